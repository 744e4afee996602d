(* Functions on integers that Zarith has under another name or another convention than Coq. Not proved; each says what Coq's does. *)

(* A count that is no [int] ends the program. *)
let shift_left a n = let n = Z.to_int n in if n >= 0 then Z.shift_left a n else Z.shift_right a (- n)
let shift_right a n = let n = Z.to_int n in if n >= 0 then Z.shift_right a n else Z.shift_left a (- n)

(* Towards minus infinity; a / 0 = 0. *)
let div a b = if Z.sign b = 0 then Z.zero else Z.fdiv a b

(* Of a > 0; Coq's is meant for b > 0, and another b ends the program. *)
let pos_div_eucl a b = if Z.sign b > 0 then Z.div_rem a b else failwith "a division by a number that is not above 0"

(* 0 below 0. *)
let sqrt a = if Z.sign a <= 0 then Z.zero else Z.sqrt a
let sqrtrem a = if Z.sign a <= 0 then (Z.zero, Z.zero) else Z.sqrt_rem a
let pow a n = if Z.sign n < 0 then Z.zero else Z.pow a (Z.to_int n)

(* Of CoqInterval's floats, for m > 0: the number of binary digits, and m 2^d, which is 1 for d <= 0. *)
let digits m = Z.of_int (Z.numbits m)
let mantissa_shl m d = if Z.sign d <= 0 then Z.one else Z.shift_left m (Z.to_int d)

(* The same floats' shift of m > 0 by d > 0 bits with what is lost: q = m / 2^d rounded down, and where the rest r, together with what [pos] says
   was lost before, lies: [eq] nothing, [lo] below a half, [mi] a half, [up] above it. Where q would be 0, and for d <= 0, Coq's function is (1, eq). *)
let mantissa_shr eq lo mi up m d pos =
  if Z.sign d <= 0 then (Z.one, eq) else
  let n = Z.to_int d in
  let q = Z.shift_right m n in
  if Z.sign q = 0 then (Z.one, eq) else
  let r = Z.sub m (Z.shift_left q n) in
  let to_half = Z.compare r (Z.shift_left Z.one (n - 1)) in
  (q, if to_half > 0 then up else if to_half = 0 then (if pos = eq then mi else up)
      else if Z.sign r = 0 && pos = eq then eq else lo)
