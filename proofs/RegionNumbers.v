(** * The dual bound of a region's program in whole numbers: what a checker of region_optimum computes, and what it stands for *)
From Coq Require Import Reals List ZArith Bool Lia Lra PeanoNat.
From Proofs Require Import Spec Convex Moves Scaling Balance Fixed Eval Chord Bound Checker Dual Heads Barrier Faces Barriers Regions.
Import ListNotations.
Set Implicit Arguments.
Unset Strict Implicit.
Open Scope Z_scope.
Arguments Z.eqb : simpl never.
Arguments Z.mul : simpl never.
Arguments Z.add : simpl never.

(** [g_of]: the region of A, [Some true], of B, or of the stored network [g_net]. [g_mu] has a multiplier for each neuron and sample. *)
Record region_claim := RegionClaim { g_of : option bool; g_net : network Z; g_active : list (nat * nat); g_hidden : bool; g_free : bool;
  g_limits : option (list Z); g_bias_limit : option Z; g_point : layer Z; g_point_bias : list Z; g_nu : list (list Z); g_mu : list (list Z);
  g_lower : Z; g_upper : Z }.
Definition region_network (A B : network Z) (x : region_claim) : network Z :=
  match g_of x with Some true => A | Some false => B | None => g_net x end.

Section Region.
Variables s e : Z.
Hypothesis s_pos : 0 <= s.
Hypothesis e_pos : 0 <= e.
Notation p := (scale s e).
Notation row := (map (real s)).
Notation PR := (map_problem (real s)).
Notation net := (map_network (real s)).
Notation U := (IZR (unit s)).
Notation E2 := (IZR (2 ^ e)).

(** ** The dual, in whole numbers; T is the sum of the weights *)
Section Numbers.
Variables (P : problem Z) (h : layer Z) (x : region_claim) (a : list (list bool)) (n : nat).
Notation shares := (map (@share Z) (samples P)).
Notation T := (zsum shares).
Definition zextended : list (list Z) := map (fun j => (if g_hidden x then unit s else 0) :: input j) (samples P).
(** Over [T unit^2]. *)
Definition zcoefficients_on (theta : list Z) (am : list bool * list Z) : list Z :=
  map2 (fun ab m => snd ab * zbit (fst ab) - T * unit s * m * zsign (fst ab)) (combine (fst am) (map2 (fun w nu => w * weigh theta nu) shares (g_nu x))) (snd am).
(** Over [T unit^3]. *)
Definition zresidual (theta : list Z) (am : list bool * list Z) : list Z :=
  if forallb (Z.eqb 0) theta then [] else zcombination zextended n (zcoefficients_on theta am).
Definition zresiduals : list (list Z) := map2 zresidual (columns (weight h)) (combine a (g_mu x)).
Definition zsquare (r : list Z) : Z := zsum (map (fun z => z * z) r).
(** A norm times [T unit^3 2^e], from above. *)
Definition zroot (r : list Z) : Z := sqrt_up (Z.shiftl (zsquare r) (2 * e)).
Definition znorm1 (u : list Z) : Z := zsum (map Z.abs u).
(** Over [T unit]. *)
Definition zbias_sums : list Z := zcombination (g_nu x) (length (weight h)) shares.

(** At scale p from here on; costs from above, what is kept from below. *)
Definition row_over (theta r : list Z) : Z := let q := znorm1 theta in if q =? 0 then 0 else div_up (zroot r) (T * q * unit s) - Z.shiftl (kappa P) e.
Definition bias_over (z : Z) : Z := div_up (Z.shiftl (Z.abs z) e) T - Z.shiftl (kappa P) e.
Definition zshared : Z :=
  fold_right Z.max 0 (match penalty_of P with PathNorm => map2 row_over (columns (weight h)) zresiduals | _ => [] end
                      ++ if g_free x && bias_priced P then map bias_over zbias_sums else []).
Definition zcost (most : Z) : Z :=
  (if zshared =? 0 then 0 else div_up (most * zshared) (kappa P * 2 ^ e))
  + match penalty_of P with
    | WeightDecay => div_up (Z.shiftl (zsum (map zsquare zresiduals)) e) (2 * kappa P * (T * T) * (unit s * unit s * (unit s * unit s)))
    | NoPenalty | L1 => match g_limits x with Some u => div_up (zsum (map2 Z.mul u (map zroot zresiduals))) (T * (unit s * unit s * unit s)) | None => 0 end
    | _ => 0
    end
  + (if g_free x && negb (bias_priced P) then match g_bias_limit x with Some H => div_up (Z.shiftl (H * znorm1 zbias_sums) e) (T * unit s) | None => 0 end else 0).
Definition zkept : Z :=
  match penalty_of P with
  | L1 => Z.shiftl (kappa P * zsum (map znorm1 (weight h))) e / unit s
  | WeightDecay => Z.shiftl (kappa P * zsum (map zsquare (weight h))) e / (2 * unit s * unit s)
  | _ => 0
  end
  + (if g_free x then 0 else Z.shiftl (weigh (bias h) zbias_sums) e / (T * unit s)
                             + if bias_priced P then Z.shiftl (kappa P * znorm1 (bias h)) e / unit s else 0).
Definition zpricesb : bool :=
  match penalty_of P, g_limits x with
  | NoPenalty, Some u | L1, Some u => forallb (Z.leb 0) u
  | PathNorm, None | WeightDecay, None => true
  | _, _ => false
  end &&
  match g_bias_limit x with
  | Some H => g_free x && negb (bias_priced P) && forallb (fun v => Z.abs v <=? H) (g_point_bias x)
  | None => negb (g_free x) || bias_priced P || forallb (Z.eqb 0) zbias_sums
  end.
End Numbers.

(** ** What these numbers stand for *)
Definition over_of (k : R) (u : list Z) : list R := map (fun z => (IZR z / k)%R) u.
Lemma scales : (S p = U * E2)%R /\ (0 < U)%R /\ (0 < E2)%R.
Proof.
  split; [unfold S, scale; rewrite Z.pow_add_r, mult_IZR by lia; reflexivity|]. split; [now apply U_pos | apply IZR_lt; now apply Z.pow_pos_nonneg].
Qed.
Lemma up_ok a b y : 0 < b -> (y * S p * IZR b <= IZR a)%R -> (y * S p <= IZR (div_up a b))%R.
Proof.
  intros B H. pose proof (div_up_ge a B) as Q. apply IZR_lt in B. apply Rmult_le_reg_r with (IZR b); lra.
Qed.
Lemma down_ok a b y : 0 < b -> (IZR a <= y * S p * IZR b)%R -> (IZR (a / b) <= y * S p)%R.
Proof.
  intros B H. pose proof (div_le a B) as Q. apply IZR_lt in B. apply Rmult_le_reg_r with (IZR b); lra.
Qed.
Lemma shifted z : IZR (Z.shiftl z e) = (IZR z * E2)%R.
Proof. rewrite Z.shiftl_mul_pow2, mult_IZR by assumption. reflexivity. Qed.
Lemma combination_over k n XZ ks : (0 < k)%R -> combination_of n (map row XZ) (over_of k ks) = over_of (k * U) (zcombination XZ n ks).
Proof.
  intro K. pose proof (U_pos s_pos) as UP. unfold combination_of, zcombination, over_of. revert ks. induction XZ as [|x Y IH]; intros [|z ks]; simpl.
  1-3: (clear; induction n as [|n IH]; simpl; [reflexivity|]; rewrite IH; f_equal; unfold Rdiv; ring).
  rewrite IH. set (acc := fold_right _ _ _). clearbody acc. clear IH. revert acc. induction x as [|y x IH]; intros [|b acc]; simpl; try reflexivity.
  - f_equal; [unfold real; fold (unit s); rewrite mult_IZR; field; lra|]. clear IH. induction x as [|z' x IH]; simpl; [reflexivity|]. rewrite IH. f_equal. unfold real. fold (unit s). rewrite mult_IZR. field. lra.
  - rewrite IH. f_equal. unfold real. fold (unit s). rewrite plus_IZR, mult_IZR. field. lra.
Qed.
Lemma norm_over k u : (0 < k)%R -> (norm (over_of k u) * k * (norm (over_of k u) * k) = IZR (zsquare u))%R.
Proof. apply norm_ratio. Qed.
Lemma znorm1_real u : norm1 (row u) = (IZR (znorm1 u) / U)%R.
Proof.
  unfold norm1, znorm1. unfold unit. rewrite <- sum_real, map_map. f_equal. rewrite !map_map. apply map_ext. intro z. now apply real_abs.
Qed.
Lemma znorm1_over k u : (0 < k)%R -> norm1 (over_of k u) = (IZR (znorm1 u) / k)%R.
Proof.
  intro K. unfold norm1, znorm1, over_of. rewrite <- zsum_real, !map_map. f_equal. apply map_ext. intro z. unfold Rdiv. rewrite Rabs_mult, <- abs_IZR. f_equal.
  apply Rabs_pos_eq. left. now apply Rinv_0_lt_compat.
Qed.
Lemma nobody theta : forallb (Z.eqb 0) theta = true <-> norm1 (row theta) = 0%R.
Proof.
  change (nilb theta = true <-> norm1 (row theta) = 0%R). rewrite (nilb_ok s_pos). split; [|apply norm1_zero].
  unfold nil, norm1. induction 1 as [|z u -> H IH]; simpl; [reflexivity|]. rewrite sum_cons, Rabs_R0, IH. ring.
Qed.

Section Dual.
Variables (P : problem Z) (h : layer Z) (x : region_claim) (a : list (list bool)) (n : nat).
Hypothesis G : good_shares P.
Hypothesis K0 : 0 <= kappa P.
Notation shares := (map (@share Z) (samples P)).
Notation T := (zsum shares).
Notation TR := (IZR T).
Notation W := (map row (weight h)).
Notation D := (map row (g_nu x)).
Notation first := (if g_hidden x then 1 else 0)%R.
Notation duals := (combine a (map row (g_mu x))).
Lemma T_pos : (0 < TR)%R. Proof. destruct G as [_ Q]. now apply IZR_lt. Qed.
Lemma kappa_real : kappa (PR P) = (IZR (kappa P) / U)%R. Proof. reflexivity. Qed.
Lemma proportions_real : proportions (PR P) = over_of TR shares.
Proof.
  pose proof T_pos. pose proof (U_pos s_pos) as UP. unfold proportions, over_of. rewrite total_real by assumption. cbn [samples map_problem]. rewrite !map_map. apply map_ext. intro j.
  simpl. unfold real. fold (unit s). field. lra.
Qed.
Lemma first_real : first = real s (if g_hidden x then unit s else 0).
Proof. destruct (g_hidden x); [symmetry; now apply real_one | symmetry; apply real_0]. Qed.
Lemma extended_real : extended (PR P) first = map row (zextended P x).
Proof. unfold extended, zextended. cbn [samples map_problem]. rewrite !map_map. apply map_ext. intro j. simpl. now rewrite first_real. Qed.
Lemma pull_real theta : pull_on (PR P) D (row theta) = over_of (TR * (U * U)) (map2 (fun w nu => w * weigh theta nu) shares (g_nu x)).
Proof.
  pose proof T_pos. pose proof (U_pos s_pos) as UP. unfold pull_on. rewrite proportions_real. unfold over_of. revert H. generalize T. intros t TP. generalize (g_nu x). induction shares as [|w ws IH]; intros [|nu N]; simpl; try reflexivity.
  rewrite IH. f_equal. rewrite dot_real, mult_IZR by assumption. field. lra.
Qed.
Lemma coefficients_over theta am : map2 (fun ab m => (sign true * snd ab * bit_of (fst ab) - m * sign (fst ab))%R) (combine (fst am) (pull_on (PR P) D (row theta))) (row (snd am))
  = over_of (TR * (U * U)) (zcoefficients_on P x theta am).
Proof.
  pose proof T_pos. pose proof (U_pos s_pos) as UP. rewrite pull_real. unfold zcoefficients_on. generalize (map2 (fun w nu => w * weigh theta nu) shares (g_nu x)). intro q.
  destruct am as [b mu]; cbn [fst snd]. unfold over_of. revert b mu. induction q as [|w q IH]; intros [|b bs] [|m mu]; simpl; try reflexivity. rewrite IH. f_equal.
  rewrite minus_IZR, !mult_IZR. assert (S1 : forall y : bool, IZR (zsign y) = sign y) by (intros [|]; reflexivity). assert (S2 : forall y : bool, IZR (zbit y) = bit_of y) by (intros [|]; reflexivity).
  rewrite S1, S2. unfold real. fold (unit s). field. lra.
Qed.
Notation scale_of_rows := (TR * (U * U) * U)%R.
Lemma rows_pos : (0 < scale_of_rows)%R.
Proof. pose proof T_pos. pose proof (U_pos s_pos). repeat apply Rmult_lt_0_compat; assumption. Qed.
Lemma residual_real theta am : row_residual (PR P) D first n (row theta) (fst am, row (snd am)) = over_of scale_of_rows (zresidual P x n theta am).
Proof.
  pose proof T_pos. pose proof (U_pos s_pos) as UP. unfold row_residual, zresidual. cbn [fst snd]. destruct (forallb (Z.eqb 0) theta) eqn:Z0.
  - apply nobody in Z0. destruct (Req_EM_T _ _); [reflexivity | contradiction].
  - destruct (Req_EM_T _ _) as [Q|_]; [apply nobody in Q; congruence|]. unfold residual. rewrite coefficients_over, extended_real. apply combination_over. repeat apply Rmult_lt_0_compat; assumption.
Qed.
Lemma residuals_real : residuals (PR P) W D first n duals = map (over_of scale_of_rows) (zresiduals P h x a n).
Proof.
  unfold residuals, zresiduals. rewrite columns_map. generalize (g_mu x). intro mus. revert mus. generalize a. induction (columns (weight h)) as [|t Cs IH]; intros [|b bs] [|mu mus]; simpl; try reflexivity.
  rewrite IH. f_equal. exact (residual_real t (b, mu)).
Qed.
Lemma bias_sums_real : bias_sums (PR P) W D = over_of (TR * U) (zbias_sums P h x).
Proof. unfold bias_sums, zbias_sums. rewrite proportions_real, map_length. apply combination_over, T_pos. Qed.
Lemma root_ok r : (norm (over_of scale_of_rows r) * scale_of_rows * E2 <= IZR (zroot r))%R.
Proof.
  destruct scales as (_ & _ & EP). pose proof rows_pos as RP. pose proof (norm_over r RP) as N. unfold zroot. set (v := norm (over_of scale_of_rows r)) in *.
  assert (Q0 : 0 <= Z.shiftl (zsquare r) (2 * e)).
  { apply le_IZR. rewrite Z.shiftl_mul_pow2, mult_IZR by lia. rewrite <- N. apply Rmult_le_pos; [apply Rle_0_sqr|]. apply IZR_le. apply Z.pow_nonneg. lia. }
  destruct (sqrt_up_ge Q0) as [Q1 Q2]. apply IZR_le in Q1, Q2. rewrite mult_IZR in Q1. apply le_of_squares; [assumption|]. eapply Rle_trans; [|exact Q1]. right.
  rewrite Z.shiftl_mul_pow2, mult_IZR, <- N by lia. replace (2 * e) with (e + e) by ring. rewrite Z.pow_add_r, mult_IZR by lia. ring.
Qed.
Lemma root_nonneg r : (0 <= IZR (zroot r))%R.
Proof.
  eapply Rle_trans; [|apply root_ok]. destruct scales as (_ & _ & EP). pose proof rows_pos. apply Rmult_le_pos; [|lra]. apply Rmult_le_pos; [apply norm_nonneg | lra].
Qed.
Lemma row_over_ok theta r : ((norm (over_of scale_of_rows r) / norm1 (row theta) - kappa (PR P)) * S p <= IZR (Z.max 0 (row_over P theta r)))%R.
Proof.
  destruct scales as (SP & UP & EP). pose proof T_pos as TP. rewrite znorm1_real. unfold row_over. destruct (Z.eqb_spec (znorm1 theta) 0) as [Z0|Z0].
  { rewrite Z0. unfold Rdiv. rewrite Rmult_0_l, Rinv_0, Rmult_0_r. rewrite kappa_real. assert (0 <= IZR (kappa P) / U * S p)%R; [|change (Z.max 0 0) with 0; lra].
    apply Rmult_le_pos; [|rewrite SP; apply Rlt_le; now apply Rmult_lt_0_compat]. apply Rmult_le_pos; [now apply IZR_le | left; now apply Rinv_0_lt_compat]. }
  assert (N0 : 0 < znorm1 theta).
  { assert (0 <= znorm1 theta); [|lia]. apply le_IZR. pose proof (norm1_nonneg (row theta)) as Q. rewrite znorm1_real in Q. apply Rmult_le_reg_r with (/ U)%R; [now apply Rinv_0_lt_compat|]. unfold Rdiv in Q. lra. }
  pose proof (IZR_lt _ _ N0) as N1. eapply Rle_trans; [|apply IZR_le, Z.le_max_r]. rewrite minus_IZR, shifted, Rmult_minus_distr_r. apply Rplus_le_compat.
  - apply up_ok; [destruct G; pose proof (unit_pos s_pos); nia|]. rewrite !mult_IZR. eapply Rle_trans; [right | apply root_ok]. rewrite SP. field. lra.
  - right. rewrite kappa_real, SP. field. lra.
Qed.
Lemma bias_over_ok z : ((Rabs (IZR z / (TR * U)) - kappa (PR P)) * S p <= IZR (bias_over P z))%R.
Proof.
  destruct scales as (SP & UP & EP). pose proof T_pos as TP. unfold bias_over. rewrite minus_IZR, shifted, Rmult_minus_distr_r. apply Rplus_le_compat.
  - destruct G. apply up_ok; [assumption|]. rewrite shifted, abs_IZR. unfold Rdiv. rewrite Rabs_mult, (Rabs_pos_eq (/ _)) by (left; apply Rinv_0_lt_compat; nra).
    right. rewrite SP. field. lra.
  - right. rewrite kappa_real, SP. field. lra.
Qed.

Lemma largest_ok u zs : Forall2 (fun r z => (r * S p <= IZR (Z.max 0 z))%R) u zs -> (largest_over u * S p <= IZR (fold_right Z.max 0%Z zs))%R.
Proof.
  destruct scales as (SP & UP & EP). assert (s0 : (0 < S p)%R) by (rewrite SP; now apply Rmult_lt_0_compat).
  induction 1 as [|r z u zs H _ IH]; simpl; [lra|]. assert (N : 0 <= fold_right Z.max 0 zs) by (clear; induction zs; simpl; lia).
  unfold Rmax. destruct (Rle_dec r (largest_over u)); (eapply Rle_trans; [eassumption | apply IZR_le; lia]).
Qed.
Lemma shared_ok : (shared_over (PR P) W D first n duals (g_free x) * S p <= IZR (zshared P h x a n))%R.
Proof.
  pose proof T_pos as TP. unfold shared_over, zshared. apply largest_ok. cbn [penalty_of map_problem]. apply Forall2_app.
  - assert (R : Forall2 (fun r z => (r * S p <= IZR (Z.max 0 z))%R) (rows_over (PR P) W D first n duals) (map2 (row_over P) (columns (weight h)) (zresiduals P h x a n))).
    { unfold rows_over. rewrite residuals_real, columns_map. generalize (zresiduals P h x a n). intro rs. revert rs.
      induction (columns (weight h)) as [|t Cs IH]; intros [|r rs]; simpl; constructor; [apply row_over_ok | apply IH]. }
    destruct (penalty_of P); try exact R; constructor.
  - unfold biases_over. cbn [bias_priced map_problem]. destruct (g_free x && bias_priced P); [|constructor]. rewrite bias_sums_real. unfold over_of. rewrite map_map.
    induction (zbias_sums P h x); simpl; constructor; [|assumption]. eapply Rle_trans; [apply bias_over_ok | apply IZR_le; lia].
Qed.
Lemma square_over k u : (0 < k)%R -> (dot (over_of k u) (over_of k u) = IZR (zsquare u) / (k * k))%R.
Proof. intro K. rewrite <- (norm_over u K), <- norm_square. field. lra. Qed.
Lemma squares_over k V : (0 < k)%R -> (sum (map (fun r => dot r r) (map (over_of k) V)) = IZR (zsum (map zsquare V)) / (k * k))%R.
Proof. intro K. rewrite <- zsum_real, !map_map. f_equal. apply map_ext. intro u. now apply square_over. Qed.
Lemma limits_ok u V : forallb (Z.leb 0) u = true ->
  (dot (row u) (map norm (map (over_of scale_of_rows) V)) * (scale_of_rows * E2 * U) <= IZR (zsum (map2 Z.mul u (map zroot V))))%R.
Proof.
  destruct scales as (_ & UP & _). revert V. induction u as [|m u IH]; intros [|r V] H; simpl; rewrite ?dot_nil_l, ?dot_nil_r; try lra.
  cbn [forallb] in H. apply andb_prop in H as [H1 H2]. apply Z.leb_le, IZR_le in H1. rewrite dot_cons, plus_IZR, mult_IZR, Rmult_plus_distr_r. apply Rplus_le_compat; [|now apply IH].
  replace (real s m * norm (over_of scale_of_rows r) * (scale_of_rows * E2 * U))%R with (IZR m * (norm (over_of scale_of_rows r) * scale_of_rows * E2))%R.
  - apply Rmult_le_compat_l; [assumption | apply root_ok].
  - unfold real. fold (unit s). field. lra.
Qed.
Lemma cost_ok most : 0 <= most -> (kappa P = 0 -> zshared P h x a n = 0) ->
  match penalty_of P with WeightDecay => 0 < kappa P | _ => True end -> match g_limits x with Some u => forallb (Z.leb 0) u = true | None => True end ->
  (dual_cost (PR P) W D first n duals (g_free x) (option_map row (g_limits x)) (option_map (real s) (g_bias_limit x)) (IZR most / S p) * S p <= IZR (zcost P h x a n most))%R.
Proof.
  intros M KZ WD LIM. destruct scales as (SP & UP & EP). pose proof T_pos as TP. destruct G as [_ TZ]. pose proof (unit_pos s_pos) as UZ. pose proof rows_pos as RP. apply IZR_le in M.
  assert (s0 : (0 < S p)%R) by (rewrite SP; now apply Rmult_lt_0_compat). assert (EZ : 0 < 2 ^ e) by (apply Z.pow_pos_nonneg; lia).
  unfold dual_cost, zcost. rewrite !plus_IZR, !Rmult_plus_distr_r. cbn [penalty_of map_problem bias_priced]. apply Rplus_le_compat; [apply Rplus_le_compat|].
  - pose proof shared_ok as SH. set (V := shared_over _ _ _ _ _ _ _) in *. assert (V0 : (0 <= V)%R) by apply largest_nonneg. set (z := zshared P h x a n) in *.
    destruct (Z.eqb_spec z 0) as [Z0|Z0].
    + rewrite Z0 in SH. assert (VZ : V = 0%R) by nra. rewrite VZ. unfold Rdiv. rewrite Rmult_0_r, !Rmult_0_l. simpl. lra.
    + assert (KP : 0 < kappa P) by lia. pose proof (IZR_lt _ _ KP) as KR. apply up_ok; [nia|]. rewrite !mult_IZR, kappa_real.
      replace (IZR most / S p * V / (IZR (kappa P) / U) * S p * (IZR (kappa P) * E2))%R with (IZR most * (V * S p))%R by (rewrite SP; field; lra).
      now apply Rmult_le_compat_l.
  - rewrite residuals_real. destruct (penalty_of P).
    1,2: (destruct (g_limits x) as [u|]; cbn [option_map]; [|lra]; apply up_ok; [nia|]; eapply Rle_trans; [right | exact (limits_ok (zresiduals P h x a n) LIM)]; rewrite !mult_IZR, SP; ring).
    1,3: lra.
    pose proof (IZR_lt _ _ WD) as KR. rewrite squares_over by assumption. apply up_ok; [nia|]. rewrite shifted, !mult_IZR, kappa_real, SP. right. field. lra.
  - destruct (g_free x && negb (bias_priced P)); [|lra]. destruct (g_bias_limit x) as [H|]; cbn [option_map]; [|lra].
    assert (KU : (0 < TR * U)%R) by now apply Rmult_lt_0_compat. rewrite bias_sums_real, znorm1_over by assumption. apply up_ok; [nia|]. rewrite shifted, !mult_IZR, SP. right. unfold real. fold (unit s). field. lra.
Qed.
Lemma norms1_real V : (sum (map norm1 (map row V)) = IZR (zsum (map znorm1 V)) / U)%R.
Proof. rewrite <- zsum_real, !map_map. f_equal. apply map_ext. intro u. apply znorm1_real. Qed.
Lemma kept_ok : (IZR (zkept P h x) <= kept_part (PR P) W D (g_free x) (row (bias h)) * S p)%R.
Proof.
  destruct scales as (SP & UP & EP). pose proof T_pos as TP. destruct G as [_ TZ]. pose proof (unit_pos s_pos) as UZ.
  unfold kept_part, zkept. rewrite plus_IZR, Rmult_plus_distr_r. cbn [penalty_of map_problem bias_priced]. apply Rplus_le_compat.
  - destruct (penalty_of P); try lra.
    + apply down_ok; [assumption|]. rewrite shifted, mult_IZR, norms1_real, kappa_real, SP. right. field. lra.
    + assert (SQ : (sum (map (fun r => dot r r) W) = IZR (zsum (map zsquare (weight h))) / (U * U))%R).
      { rewrite <- squares_over by assumption. f_equal. }
      rewrite SQ. apply down_ok; [nia|]. rewrite shifted, !mult_IZR, kappa_real, SP. right. field. lra.
  - destruct (g_free x); [lra|]. rewrite plus_IZR, Rmult_plus_distr_r. apply Rplus_le_compat.
    + apply down_ok; [nia|]. rewrite shifted, mult_IZR, bias_sums_real, SP.
      assert (Q : (dot (row (bias h)) (over_of (TR * U) (zbias_sums P h x)) = IZR (weigh (bias h) (zbias_sums P h x)) / (TR * U * U))%R).
      { unfold weigh, over_of. generalize (zbias_sums P h x). induction (bias h) as [|b c IH]; intros [|z zs]; simpl; rewrite ?dot_nil_l, ?dot_nil_r; try (unfold Rdiv; ring).
        rewrite dot_cons, IH, plus_IZR, mult_IZR. unfold real. fold (unit s). field. lra. }
      rewrite Q. right. field. lra.
    + destruct (bias_priced P); [|lra]. apply down_ok; [assumption|]. rewrite shifted, mult_IZR, znorm1_real, kappa_real, SP. right. field. lra.
Qed.
End Dual.

End Region.
