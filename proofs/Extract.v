(** The checker as an OCaml program. Integers become Zarith's; [nat], lists and all else are extracted as they are defined.

    Not proved: that the functions named here compute what Coq's do. The first block of them is ExtrOcamlZBigInt, of Coq's own library. *)
From Coq Require Import ExtrOcamlBasic ExtrOcamlZBigInt ZArith ClassicalDedekindReals.
From Interval Require Import Float.Specific_stdz.
From Proofs Require Import Spec Checker Heads Barriers RegionOptima.

Extract Constant Z.leb => "Big_int_Z.le_big_int".
Extract Constant Z.ltb => "Big_int_Z.lt_big_int".
Extract Constant Z.geb => "Big_int_Z.ge_big_int".
Extract Constant Z.gtb => "Big_int_Z.gt_big_int".
Extract Constant Pos.eqb => "Big_int_Z.eq_big_int".
Extract Constant Pos.leb => "Big_int_Z.le_big_int".
Extract Constant Pos.ltb => "Big_int_Z.lt_big_int".
(** driver/exact.ml says what these are. *)
Extract Constant Z.shiftl => "Exact.shift_left".
Extract Constant Z.shiftr => "Exact.shift_right".
Extract Constant Z.div => "Exact.div".
Extract Constant Z.pos_div_eucl => "Exact.pos_div_eucl".
Extract Constant Z.sqrt => "Exact.sqrt".
Extract Constant Z.sqrtrem => "Exact.sqrtrem".
Extract Constant Z.pow => "Exact.pow".
Extract Constant StdZRadix2.mantissa_digits => "Exact.digits".
Extract Constant StdZRadix2.mantissa_shl => "Exact.mantissa_shl".
Extract Constant StdZRadix2.mantissa_shr => "(fun m d pos -> Exact.mantissa_shr Pos_Eq Pos_Lo Pos_Mi Pos_Up m d pos)".

(** Drawn in by CoqInterval's module, which speaks of real numbers too; no function that is run asks for it, and if one did the program would end. *)
Extract Constant ClassicalDedekindReals.sig_forall_dec => "(fun _ -> failwith ""an axiom of the reals was asked for a value"")".

Set Warnings "-extraction-opaque-accessed,-extraction-axiom-to-realize".
Extraction "driver/checker.ml" check_endpoint check_path check_head check_barrier check_region.
