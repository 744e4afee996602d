(** * Fixed-point interval arithmetic

    An interval [Itv l h] at scale p holds the reals x with [l <= x 2^p <= h]. All functions are total on integers; exp and ln come from
    CoqInterval, with floats on [Z]. Each operation has one theorem: it holds the result for all numbers that its arguments hold. *)
From Coq Require Import Reals List ZArith Bool Lia Lra.
From Interval Require Import Float.Specific_stdz Float.Specific_ops Interval.Float_full Interval.Float Float.Sig Real.Xreal
  Interval.Interval Float.Basic.
From Flocq Require Import Core.Raux Core.Defs Core.Zaux.
From Proofs Require Import Spec.
Import ListNotations.
Set Implicit Arguments.
Open Scope Z_scope.

Module SF := SpecificFloat StdZRadix2.
Module I := FloatIntervalFull SF.

Record itv := Itv { lo : Z; hi : Z }.

Section Scale.
Variable p : Z.
Hypothesis p_pos : 0 <= p.

Definition S : R := IZR (2 ^ p).
Lemma S_pos : (0 < S)%R.
Proof. apply IZR_lt. now apply Z.pow_pos_nonneg. Qed.

Definition contains (i : itv) (x : R) : Prop := (IZR (lo i) <= x * S <= IZR (hi i))%R.
(** The same at scale 2p: products before they are rounded. *)
Definition contains2 (i : itv) (x : R) : Prop := (IZR (lo i) <= x * S * S <= IZR (hi i))%R.

Definition shift_down (z : Z) : Z := Z.shiftr z p.
Definition shift_up (z : Z) : Z := - Z.shiftr (- z) p.
Definition div_up (a b : Z) : Z := - ((- a) / b).

Lemma div_le a b : 0 < b -> (IZR (a / b) * IZR b <= IZR a)%R.
Proof. intro H. rewrite <- mult_IZR. apply IZR_le. rewrite Z.mul_comm. now apply Z.mul_div_le. Qed.
Lemma div_up_ge a b : 0 < b -> (IZR a <= IZR (div_up a b) * IZR b)%R.
Proof.
  intro H. unfold div_up. rewrite <- mult_IZR. apply IZR_le. pose proof (Z.mul_div_le (- a) b H). lia.
Qed.
Lemma shift_down_le z : (IZR (shift_down z) * S <= IZR z)%R.
Proof. unfold shift_down. rewrite Z.shiftr_div_pow2 by assumption. apply div_le. now apply Z.pow_pos_nonneg. Qed.
Lemma shift_up_ge z : (IZR z <= IZR (shift_up z) * S)%R.
Proof.
  unfold shift_up. rewrite Z.shiftr_div_pow2 by assumption. apply div_up_ge. now apply Z.pow_pos_nonneg.
Qed.

Definition zero := Itv 0 0.
Definition one := Itv (2 ^ p) (2 ^ p).
Definition add a b := Itv (lo a + lo b) (hi a + hi b).
Definition opp a := Itv (- hi a) (- lo a).
Definition sub a b := Itv (lo a - hi b) (hi a - lo b).
Definition imax a b := Itv (Z.max (lo a) (lo b)) (Z.max (hi a) (hi b)).
Definition imin a b := Itv (Z.min (lo a) (lo b)) (Z.min (hi a) (hi b)).
Definition iabs a := if 0 <=? lo a then a else if hi a <=? 0 then opp a else Itv 0 (Z.max (- lo a) (hi a)).
Definition hull a b := Itv (Z.min (lo a) (lo b)) (Z.max (hi a) (hi b)).
Definition widen a (low high : Z) := Itv (lo a - low) (hi a + high).

Lemma zero_ok : contains zero 0.
Proof. unfold contains; simpl; lra. Qed.
Lemma one_ok : contains one 1.
Proof. unfold contains, one, S; cbn [lo hi]; lra. Qed.
Lemma add_ok a b x y : contains a x -> contains b y -> contains (add a b) (x + y).
Proof. unfold contains; cbn [lo hi add]. rewrite !plus_IZR. lra. Qed.
Lemma add2_ok a b x y : contains2 a x -> contains2 b y -> contains2 (add a b) (x + y).
Proof. unfold contains2; cbn [lo hi add]. rewrite !plus_IZR. lra. Qed.
Lemma opp_ok a x : contains a x -> contains (opp a) (- x).
Proof. unfold contains; cbn [lo hi opp]. rewrite !opp_IZR. lra. Qed.
Lemma sub_ok a b x y : contains a x -> contains b y -> contains (sub a b) (x - y).
Proof. unfold contains; cbn [lo hi sub]. rewrite !minus_IZR. lra. Qed.
Lemma sub2_ok a b x y : contains2 a x -> contains2 b y -> contains2 (sub a b) (x - y).
Proof. unfold contains2; cbn [lo hi sub]. rewrite !minus_IZR. lra. Qed.
Lemma widen_ok a low high x d :
  contains a x -> (- IZR low <= d * S <= IZR high)%R -> contains (widen a low high) (x + d).
Proof. unfold contains; cbn [lo hi widen]. rewrite minus_IZR, plus_IZR. lra. Qed.

Ltac zle := apply IZR_le; lia.
Lemma imax_ok a b x y : contains a x -> contains b y -> contains (imax a b) (Rmax x y).
Proof.
  unfold contains; cbn [lo hi imax]. intros [A B] [C D]. pose proof S_pos.
  assert (IZR (lo a) <= IZR (Z.max (lo a) (lo b)))%R by zle.
  assert (IZR (hi a) <= IZR (Z.max (hi a) (hi b)))%R by zle.
  assert (IZR (hi b) <= IZR (Z.max (hi a) (hi b)))%R by zle.
  pose proof (Rmax_l x y). pose proof (Rmax_r x y).
  split.
  - destruct (Z.max_spec (lo a) (lo b)) as [[_ ->]|[_ ->]]; nra.
  - unfold Rmax; destruct (Rle_dec x y); lra.
Qed.
Lemma imin_ok a b x y : contains a x -> contains b y -> contains (imin a b) (Rmin x y).
Proof.
  unfold contains; cbn [lo hi imin]. intros [A B] [C D]. pose proof S_pos.
  assert (IZR (Z.min (lo a) (lo b)) <= IZR (lo a))%R by zle.
  assert (IZR (Z.min (lo a) (lo b)) <= IZR (lo b))%R by zle.
  pose proof (Rmin_l x y). pose proof (Rmin_r x y).
  split.
  - unfold Rmin; destruct (Rle_dec x y); lra.
  - destruct (Z.min_spec (hi a) (hi b)) as [[_ ->]|[_ ->]]; nra.
Qed.
Lemma iabs_ok a x : contains a x -> contains (iabs a) (Rabs x).
Proof.
  intro H. pose proof S_pos as s. unfold iabs.
  destruct (Z.leb_spec 0 (lo a)) as [L|L].
  - rewrite Rabs_pos_eq; [assumption|]. apply IZR_le in L. destruct H. nra.
  - destruct (Z.leb_spec (hi a) 0) as [M|M].
    + rewrite Rabs_left1; [now apply opp_ok|]. apply IZR_le in M. destruct H. nra.
    + unfold contains in *; cbn [lo hi]. pose proof (Rabs_pos x).
      assert (IZR (- lo a) <= IZR (Z.max (- lo a) (hi a)))%R by zle.
      assert (IZR (hi a) <= IZR (Z.max (- lo a) (hi a)))%R by zle.
      rewrite opp_IZR in *. split; [nra|]. unfold Rabs; destruct (Rcase_abs x); nra.
Qed.

(** Products. The first factor is often one number: then two products do. *)
Definition prod a b : itv :=
  if lo a =? hi a then
    let q := lo a * lo b in
    if lo b =? hi b then Itv q q else
    let r := lo a * hi b in Itv (Z.min q r) (Z.max q r)
  else
    let q := lo a * lo b in let r := lo a * hi b in let t := hi a * lo b in let u := hi a * hi b in
    Itv (Z.min (Z.min q r) (Z.min t u)) (Z.max (Z.max q r) (Z.max t u)).
Definition round a := Itv (shift_down (lo a)) (shift_up (hi a)).
Definition mul a b := round (prod a b).

Lemma hull_below (a b c d x y m : R) : (a <= x <= b -> c <= y <= d ->
  m <= a * c -> m <= a * d -> m <= b * c -> m <= b * d -> m <= x * y)%R.
Proof.
  intros X Y A1 A2 B1 B2.
  assert (m <= a * y)%R by (destruct (Rle_dec 0 a); nra).
  assert (m <= b * y)%R by (destruct (Rle_dec 0 b); nra).
  destruct (Rle_dec 0 y); nra.
Qed.
Lemma prod_ok a b x y : contains a x -> contains b y -> contains2 (prod a b) (x * y).
Proof.
  intros X Y. unfold contains2. replace (x * y * S * S)%R with ((x * S) * (y * S))%R by ring.
  unfold contains in *. set (u := (x * S)%R) in *. set (v := (y * S)%R) in *. clearbody u v.
  assert (general : forall l h,
    (l <= lo a * lo b -> l <= lo a * hi b -> l <= hi a * lo b -> l <= hi a * hi b ->
     lo a * lo b <= h -> lo a * hi b <= h -> hi a * lo b <= h -> hi a * hi b <= h ->
     (IZR l <= u * v <= IZR h)%R)).
  { intros l h L1 L2 L3 L4 H1 H2 H3 H4. apply IZR_le in L1, L2, L3, L4, H1, H2, H3, H4. rewrite mult_IZR in *.
    split; [now apply hull_below with (IZR (lo a)) (IZR (hi a)) (IZR (lo b)) (IZR (hi b))|].
    enough (- IZR h <= (- u) * v)%R by lra.
    apply hull_below with (- IZR (hi a))%R (- IZR (lo a))%R (IZR (lo b)) (IZR (hi b)); lra. }
  unfold prod. destruct (Z.eqb_spec (lo a) (hi a)) as [E|E].
  - destruct (Z.eqb_spec (lo b) (hi b)) as [E'|E']; cbn [lo hi]; apply general; rewrite <- ?E, <- ?E'; lia.
  - cbn [lo hi]. apply general; lia.
Qed.
Lemma round_ok a x : contains2 a x -> contains (round a) x.
Proof.
  unfold contains, contains2, round; cbn [lo hi]. pose proof S_pos. intros [A B].
  pose proof (shift_down_le (lo a)). pose proof (shift_up_ge (hi a)).
  split; apply Rmult_le_reg_r with S; lra.
Qed.
Lemma mul_ok a b x y : contains a x -> contains b y -> contains (mul a b) (x * y).
Proof. intros. apply round_ok. now apply prod_ok. Qed.

Definition square a := let b := iabs a in round (Itv (lo b * lo b) (hi b * hi b)).
Lemma iabs_nonneg a x : contains a x -> 0 <= lo (iabs a).
Proof.
  intros [A B]. unfold iabs. destruct (Z.leb_spec 0 (lo a)); [assumption|]. destruct (Z.leb_spec (hi a) 0); cbn [lo opp]; lia.
Qed.
Lemma square_ok a x : contains a x -> contains (square a) (x * x).
Proof.
  intro H. apply round_ok. pose proof (iabs_nonneg H) as N. apply iabs_ok in H. unfold contains2; cbn [lo hi].
  replace (x * x * S * S)%R with ((Rabs x * S) * (Rabs x * S))%R.
  - rewrite !mult_IZR. destruct H. apply IZR_le in N. split; apply Rmult_le_compat; lra.
  - replace (Rabs x * S * (Rabs x * S))%R with ((Rabs x * Rabs x) * S * S)%R by ring. rewrite <- Rabs_mult.
    rewrite Rabs_pos_eq; [reflexivity | nra].
Qed.

Definition half a := Itv (lo a / 2) (div_up (hi a) 2).
Lemma half_ok a x : contains a x -> contains (half a) (x / 2).
Proof.
  unfold contains, half; cbn [lo hi]. intros [A B].
  pose proof (@div_le (lo a) 2 eq_refl). pose proof (@div_up_ge (hi a) 2 eq_refl). split; lra.
Qed.

(** Square roots of numbers that are at least 0. *)
Definition sqrt_up (n : Z) := let r := Z.sqrt n in if r * r =? n then r else r + 1.
Definition isqrt a := Itv (Z.sqrt (Z.shiftl (Z.max 0 (lo a)) p)) (sqrt_up (Z.shiftl (Z.max 0 (hi a)) p)).
Lemma sqrt_up_ge n : 0 <= n -> n <= sqrt_up n * sqrt_up n /\ 0 <= sqrt_up n.
Proof.
  intro H. unfold sqrt_up. destruct (Z.sqrt_spec n H) as [A B]. pose proof (Z.sqrt_nonneg n).
  destruct (Z.eqb_spec (Z.sqrt n * Z.sqrt n) n); unfold Z.succ in *; lia.
Qed.
Lemma isqrt_ok a x : (0 <= x)%R -> contains a x -> contains (isqrt a) (sqrt x).
Proof.
  intros N [A B]. pose proof S_pos as s. unfold contains, isqrt; cbn [lo hi]. rewrite !Z.shiftl_mul_pow2 by assumption.
  assert (0 <= 2 ^ p) by (apply Z.pow_nonneg; lia).
  assert (root : (sqrt x * S * (sqrt x * S) = x * S * S)%R).
  { transitivity (sqrt x * sqrt x * S * S)%R; [ring|]. now rewrite sqrt_sqrt. }
  assert (0 <= sqrt x * S)%R by (apply Rmult_le_pos; [apply sqrt_pos | lra]).
  split.
  - set (l := Z.max 0 (lo a) * 2 ^ p). assert (Hl : 0 <= l) by (unfold l; nia).
    pose proof (Z.sqrt_nonneg l) as q. destruct (Z.sqrt_spec l Hl) as [D _]. apply IZR_le in D, q. rewrite mult_IZR in D.
    assert (IZR l <= x * S * S)%R.
    { unfold l. rewrite mult_IZR. fold S. apply Rmult_le_compat_r; [lra|].
      destruct (Z.max_spec 0 (lo a)) as [[_ ->]|[_ ->]]; [assumption | nra]. }
    apply Rsqr_incr_0; unfold Rsqr; try assumption. rewrite root. lra.
  - set (h := Z.max 0 (hi a) * 2 ^ p). assert (Hh : 0 <= h) by (unfold h; nia).
    destruct (sqrt_up_ge Hh) as [D q]. apply IZR_le in D, q. rewrite mult_IZR in D.
    assert (x * S * S <= IZR h)%R.
    { unfold h. rewrite mult_IZR. fold S. apply Rmult_le_compat_r; [lra|].
      apply Rle_trans with (IZR (hi a)); [assumption | zle]. }
    apply Rsqr_incr_0; unfold Rsqr; try assumption. rewrite root. lra.
Qed.

(** exp and ln: to CoqInterval's intervals and back. [Fnan] for an end means that there is none. *)
Definition to_interval a : I.type := Float.Ibnd (Specific_ops.Float (lo a) (- p)) (Specific_ops.Float (hi a) (- p)).
Definition floor_of (m e : Z) := let k := e + p in if 0 <=? k then Z.shiftl m k else Z.shiftr m (- k).
Definition ceil_of (m e : Z) := - floor_of (- m) e.
Definition from_interval (i : I.type) : option itv :=
  match i with
  | Float.Ibnd (Specific_ops.Float m e) (Specific_ops.Float n f) => Some (Itv (floor_of m e) (ceil_of n f))
  | _ => None
  end.

Lemma toX_float m e : SF.toX (Specific_ops.Float m e) = Xreal (IZR m * bpow radix2 e).
Proof.
  unfold SF.toX, SF.toF. cbn -[FtoX bpow]. destruct m; cbn -[bpow FtoX]; unfold FtoX.
  - f_equal; lra.
  - rewrite FtoR_split. unfold F2R; simpl. reflexivity.
  - rewrite FtoR_split. unfold F2R; simpl. reflexivity.
Qed.
Lemma S_bpow : S = bpow radix2 p.
Proof. unfold S. change (2 ^ p) with (Zpower radix2 p). now rewrite IZR_Zpower. Qed.
Lemma floor_of_le m e : (IZR (floor_of m e) <= IZR m * bpow radix2 e * S)%R.
Proof.
  unfold floor_of. rewrite S_bpow, Rmult_assoc, <- bpow_plus. destruct (Z.leb_spec 0 (e + p)) as [H|H].
  - rewrite Z.shiftl_mul_pow2 by assumption. rewrite mult_IZR. change (2 ^ (e + p)) with (Zpower radix2 (e + p)).
    rewrite IZR_Zpower by assumption. lra.
  - rewrite Z.shiftr_div_pow2 by lia.
    assert (P : 0 < 2 ^ (- (e + p))) by (apply Z.pow_pos_nonneg; lia). pose proof (div_le m P) as D.
    change (2 ^ (- (e + p))) with (Zpower radix2 (- (e + p))) in D. rewrite IZR_Zpower in D by lia.
    pose proof (bpow_gt_0 radix2 (e + p)).
    apply Rmult_le_compat_r with (r := bpow radix2 (e + p)) in D; [|lra].
    rewrite Rmult_assoc, <- bpow_plus, Z.add_opp_diag_l in D. simpl in D. lra.
Qed.
Lemma ceil_of_ge m e : (IZR m * bpow radix2 e * S <= IZR (ceil_of m e))%R.
Proof. unfold ceil_of. rewrite opp_IZR. pose proof (floor_of_le (- m) e) as H. rewrite opp_IZR in H. lra. Qed.

Lemma to_interval_ok a x : contains a x -> Interval.contains (I.convert (to_interval a)) (Xreal x).
Proof.
  intros [A B]. unfold I.convert, to_interval. change (I.F.valid_lb _ && I.F.valid_ub _)%bool with true. cbv iota.
  change I.F.toX with SF.toX. rewrite !toX_float. pose proof S_pos as s.
  assert (E : (bpow radix2 (- p) * S = 1)%R) by (rewrite S_bpow, <- bpow_plus, Z.add_opp_diag_l; reflexivity).
  split; apply Rmult_le_reg_r with S; rewrite ?Rmult_assoc, ?E; lra.
Qed.
Lemma from_interval_ok i j x : from_interval i = Some j -> Interval.contains (I.convert i) (Xreal x) -> contains j x.
Proof.
  destruct i as [|[|m e] [|n f]]; try discriminate. intros [= <-]. unfold I.convert.
  change (I.F.valid_lb _ && I.F.valid_ub _)%bool with true. cbv iota. change I.F.toX with SF.toX. rewrite !toX_float.
  intros [A B]. unfold contains; cbn [lo hi]. pose proof S_pos.
  pose proof (floor_of_le m e). pose proof (ceil_of_ge n f). split; nra.
Qed.

(** Digits of CoqInterval's floats: as fine as our own scale for numbers below 2^32. *)
Definition digits : Z := p + 32.
Definition iexp a : option itv :=
  if hi a <=? - (p * 2 ^ p) then Some (Itv 0 1) else from_interval (I.exp digits (to_interval a)).
Definition iln a : option itv := from_interval (I.ln digits (to_interval a)).

Lemma exp_tiny x : (x <= - IZR p)%R -> (0 <= exp x * S <= 1)%R.
Proof.
  intro H. pose proof S_pos. pose proof (exp_pos x). split; [nra|].
  assert (exp x <= exp (- IZR p))%R by (destruct H as [H| ->]; [left; now apply exp_increasing | right; reflexivity]).
  assert (exp (- IZR p) * S <= 1)%R; [|nra].
  assert (S <= exp (IZR p))%R.
  { rewrite S_bpow, bpow_exp. destruct (Z.eq_dec p 0) as [->|n0].
    - right. f_equal. simpl. ring.
    - left. apply exp_increasing. rewrite <- (Rmult_1_r (IZR p)) at 2. apply Rmult_lt_compat_l; [apply IZR_lt; lia|].
      rewrite <- (ln_exp 1). apply ln_increasing; [simpl; lra|]. change (IZR radix2) with 2%R.
      pose proof (exp_ineq1 1 R1_neq_R0). lra. }
  rewrite exp_Ropp. pose proof (exp_pos (IZR p)).
  apply Rmult_le_reg_l with (exp (IZR p)); [assumption|]. rewrite <- Rmult_assoc, Rinv_r by lra. lra.
Qed.
Lemma iexp_ok a x i : iexp a = Some i -> contains a x -> contains i (exp x).
Proof.
  unfold iexp. intros E H. destruct (Z.leb_spec (hi a) (- (p * 2 ^ p))) as [L|L].
  - injection E as <-. apply exp_tiny. destruct H as [_ B]. pose proof S_pos.
    apply IZR_le in L. rewrite opp_IZR, mult_IZR in L. fold S in L.
    apply Rmult_le_reg_r with S; [assumption | lra].
  - eapply from_interval_ok; [exact E|]. apply (I.exp_correct digits _ (Xreal x)). now apply to_interval_ok.
Qed.
Lemma iln_ok a x i : iln a = Some i -> (0 < x)%R -> contains a x -> contains i (ln x).
Proof.
  unfold iln. intros E P H. eapply from_interval_ok; [exact E|].
  pose proof (I.ln_correct digits (to_interval a) (Xreal x) (to_interval_ok H)) as C.
  unfold Xln, Xreal.Xln' in C. cbn in C. unfold is_positive in C.
  destruct (Rlt_bool_spec 0 x); [exact C | lra].
Qed.

End Scale.
