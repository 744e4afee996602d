(* Functions on integers that Zarith has under another name or another convention than Coq. Not proved; each says what Coq's does. *)

(* A count that is no [int] ends the program. *)
let shift_left a n = let n = Z.to_int n in if n >= 0 then Z.shift_left a n else Z.shift_right a (- n)
let shift_right a n = let n = Z.to_int n in if n >= 0 then Z.shift_right a n else Z.shift_left a (- n)

(* Towards minus infinity; a / 0 = 0. *)
let div a b = if Z.sign b = 0 then Z.zero else Z.fdiv a b

(* 0 below 0. *)
let sqrt a = if Z.sign a <= 0 then Z.zero else Z.sqrt a
let sqrtrem a = if Z.sign a <= 0 then (Z.zero, Z.zero) else Z.sqrt_rem a
let pow a n = if Z.sign n < 0 then Z.zero else Z.pow a (Z.to_int n)

(* Of CoqInterval's floats, for m > 0: the number of binary digits, and m 2^d, which is 1 for d <= 0. *)
let digits m = Z.of_int (Z.numbits m)
let mantissa_shl m d = if Z.sign d <= 0 then Z.one else Z.shift_left m (Z.to_int d)
