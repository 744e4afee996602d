(** The checker as an OCaml program. Integers become Zarith's; [nat], lists and all else are extracted as they are defined.

    Not proved: that the functions named here compute what Coq's do. The first block of them is ExtrOcamlZBigInt, of Coq's own library. *)
From Coq Require Import ExtrOcamlBasic ExtrOcamlZBigInt ZArith ClassicalDedekindReals.
From Proofs Require Import Spec Checker.

Extract Constant Z.leb => "Big_int_Z.le_big_int".
Extract Constant Z.ltb => "Big_int_Z.lt_big_int".
Extract Constant Z.geb => "Big_int_Z.ge_big_int".
Extract Constant Z.gtb => "Big_int_Z.gt_big_int".
Extract Constant Pos.eqb => "Big_int_Z.eq_big_int".
Extract Constant Pos.leb => "Big_int_Z.le_big_int".
Extract Constant Pos.ltb => "Big_int_Z.lt_big_int".
(** Rounds towards minus infinity, also for numbers below 0; a count that is no [int] ends the program. A negative count shifts the other way. *)
Extract Constant Z.shiftl =>
 "(fun a n -> let n = Z.to_int n in if n >= 0 then Z.shift_left a n else Z.shift_right a (- n))".
Extract Constant Z.shiftr =>
 "(fun a n -> let n = Z.to_int n in if n >= 0 then Z.shift_right a n else Z.shift_left a (- n))".
(** Coq divides by 0 to 0, and rounds towards minus infinity. *)
Extract Constant Z.div => "(fun a b -> if Z.sign b = 0 then Z.zero else Z.fdiv a b)".
Extract Constant Z.sqrt => "(fun a -> if Z.sign a <= 0 then Z.zero else Z.sqrt a)".

(** Drawn in by CoqInterval's module, which speaks of real numbers too; no function that is run asks for it, and if one did the program would end. *)
Extract Constant ClassicalDedekindReals.sig_forall_dec => "(fun _ -> failwith ""an axiom of the reals was asked for a value"")".

Set Warnings "-extraction-opaque-accessed,-extraction-axiom-to-realize".
Extraction "driver/checker.ml" check_endpoint check_path.
