(** * Dual bounds of region programs: the best rows in a network's closed activation region, its head kept (docs/mathematics.md, section 11) *)
From Coq Require Import Reals List ZArith Bool Lia Lra.
From Proofs Require Import Spec Convex Moves Scaling Balance Fixed Eval Chord Bound Checker Dual Barrier Faces.
Import ListNotations.
Set Implicit Arguments.
Unset Strict Implicit.
Open Scope R_scope.

(** ** Sums over samples and outputs as sums over neurons *)
Lemma attach_dot v nu row C h : (length C <= length row)%nat ->
  dot (map (fun t => dot t (v :: nu)) (attach row C)) h = v * dot row h + dot (map (fun t => dot t nu) C) h.
Proof.
  revert C h. induction row as [|x row IH]; intros [|c C] h L; simpl in L; try lia.
  - simpl. rewrite !dot_nil_l. ring.
  - destruct h as [|y h]; [rewrite !dot_nil_r; ring|]. cbn [attach map]. rewrite !dot_cons, (IH [] h) by (simpl; lia). simpl. rewrite ?dot_cons, ?dot_nil_l. ring.
  - destruct h as [|y h]; [rewrite !dot_nil_r; ring|]. cbn [attach map]. rewrite !dot_cons, (IH C h) by lia. ring.
Qed.
Lemma dot_by_neurons m W nu h : Forall (fun row => length row = m) W -> length nu = length W ->
  dot nu (map (fun row => dot row h) W) = dot (map (fun t => dot t nu) (columns W)) h.
Proof.
  intro H. revert nu. induction H as [|row W L H IH]; intros [|v nu] LN; try discriminate; [reflexivity|]. cbn [map columns fold_right]. fold (columns W).
  rewrite dot_cons, attach_dot, IH by (try (injection LN; auto); destruct (columns_length H) as [-> | Q]; simpl; lia). reflexivity.
Qed.
Lemma swap {J E} (g : J -> E -> R) q (js : list J) (D : list (list R)) Cs Es :
  dot q (map2 (fun j nu => dot (map (fun t => dot t nu) Cs) (map (g j) Es)) js D) = sum (map2 (fun t e => dot q (map2 (fun j nu => dot t nu * g j e) js D)) Cs Es).
Proof.
  assert (Z : dot q (map2 (fun _ _ => 0) js D) = 0).
  { revert js D. induction q; intros [|j js] [|nu D]; simpl; rewrite ?dot_nil_l, ?dot_nil_r, ?dot_cons, ?IHq; try reflexivity. ring. }
  revert Es. induction Cs as [|t Cs IH]; intros [|e Es]; cbn [map map2].
  1-3: (etransitivity; [|exact Z]; f_equal; clear; revert D; induction js as [|j js IH]; intros [|nu D]; simpl; try reflexivity; rewrite <- IH; f_equal; apply dot_nil_l || apply dot_nil_r).
  rewrite sum_cons, <- IH, <- dot_plus. reflexivity.
Qed.
Lemma by_inputs {J} (h : list R -> R) (xt : J -> list R) t q js (D : list (list R)) :
  dot q (map2 (fun j nu => dot t nu * h (xt j)) js D) = sum (map2 (fun k x => k * h x) (map2 (fun v nu => v * dot t nu) q D) (map xt js)).
Proof.
  revert js D. induction q as [|v q IH]; intros [|j js] [|nu D]; simpl; rewrite ?dot_nil_l, ?dot_nil_r; try reflexivity. rewrite dot_cons, sum_cons, IH. ring.
Qed.

Lemma column_norms W : column_norms1 W = map norm1 (columns W).
Proof.
  induction W as [|row W IH]; [reflexivity|]. cbn [column_norms1 columns fold_right]. fold (columns W). fold (column_norms1 W). rewrite IH. generalize (columns W).
  induction row as [|x row IHr]; intros [|c C]; cbn [map attach vadd]; try reflexivity.
  - rewrite <- (IHr []). cbn [map]. f_equal; [unfold norm1, sum; simpl; ring | now destruct (map Rabs row)].
  - rewrite <- IHr. f_equal. 
Qed.
Lemma norm1s_nonneg W : Forall (fun x => 0 <= x) (map norm1 W).
Proof. induction W; simpl; constructor; [apply norm1_nonneg | assumption]. Qed.
Lemma dot_bounded m c u : 0 <= m -> (forall x, In x u -> Rabs x <= m) -> - (m * norm1 c) <= dot c u.
Proof.
  intro M. revert c. induction u as [|x u IH]; intros [|y c] H; rewrite ?dot_nil_l, ?dot_nil_r.
  1-3: match goal with |- - (_ * norm1 ?v) <= 0 => pose proof (Rmult_le_pos _ _ M (norm1_nonneg v)); lra end.
  - specialize (IH c (fun z I => H z (or_intror I))). specialize (H x (or_introl eq_refl)). rewrite dot_cons. unfold norm1 in *. cbn [map]. rewrite sum_cons.
    assert (- (Rabs y * m) <= y * x); [|lra]. pose proof (Rabs_pos y). pose proof (abs_between (Rle_refl (Rabs (y * x)))) as [B _]. rewrite Rabs_mult in B. nra.
Qed.
Lemma squares_below k E V : 0 < k -> - (sum (map (fun r => dot r r) V) / (2 * k)) <= k * (sum (map (fun r => dot r r) E) / 2) - dot (map norm E) (map norm V).
Proof.
  intro K. assert (N : forall u, 0 <= sum (map (fun r => dot r r) u)) by (intro u; apply map_nonneg, dot_self_nonneg). assert (I : 0 < / (2 * k)) by (apply Rinv_0_lt_compat; lra).
  revert V. induction E as [|e E IH]; intros [|r V]; cbn [map]; rewrite ?dot_nil_l, ?dot_nil_r.
  - change (sum []) with 0. unfold Rdiv. lra.
  - pose proof (Rmult_le_pos _ _ (N (r :: V)) (Rlt_le _ _ I)) as Q. cbn [map] in Q. change (sum []) with 0. unfold Rdiv in *. lra.
  - pose proof (Rmult_le_pos _ _ (N (e :: E)) (Rlt_le _ _ K)) as Q. cbn [map] in Q. change (sum []) with 0. unfold Rdiv in *. lra.
  - rewrite dot_cons, !sum_cons. specialize (IH V). rewrite <- !norm_square. unfold Rdiv in *.
    pose proof (Rle_0_sqr (k * norm e - norm r)) as Q. unfold Rsqr in Q. apply Rmult_le_compat_r with (r := / (2 * k)) in Q; [|lra].
    replace ((k * norm e - norm r) * (k * norm e - norm r) * / (2 * k)) with (k * (norm e * norm e) * / 2 - norm e * norm r + norm r * norm r * / (2 * k)) in Q by (field; lra). lra.
Qed.
Lemma map2_same {A B C} (f g : A -> B -> C) u v : (forall a b, f a b = g a b) -> map2 f u v = map2 g u v.
Proof. intro H. revert v. induction u as [|a u IH]; intros [|b v]; simpl; try reflexivity. now rewrite IH, H. Qed.

Section Region.
Variables (P : problem R) (W : list (list R)) (D : list (list R)).
(** What an input begins with, 1 where rows have a bias and 0 otherwise; the dimension of [xt]; patterns and multipliers, by neurons. *)
Variables (first : R) (n : nat) (duals : list (list bool * list R)).
Definition extended : list (list R) := map (fun j => first :: input j) (samples P).
(** [q_j = w_j / sum w]. *)
Definition proportions : list R := map (fun j => share j / total P) (samples P).
Definition pull_on (theta : list R) : list R := map2 (fun q nu => q * dot theta nu) proportions D.
(** [r_i = sum_j q_j (theta_i . nu_j) a_ij xt_j - sum_j mu_ij (2 a_ij - 1) xt_j], and nothing for a neuron whose head is 0. *)
Definition row_residual (theta : list R) (am : list bool * list R) : list R :=
  if Req_EM_T (norm1 theta) 0 then [] else residual n extended true (fst am) (pull_on theta) (snd am).
Definition residuals : list (list R) := map2 row_residual (columns W) duals.
(** [s = sum_j q_j nu_j]. *)
Definition bias_sums : list R := combination_of (length W) D proportions.

(** ** The dual bound of docs/certificate-v2.md, where F is at most [U] *)
Variables (free : bool) (row_limits : option (list R)) (bias_limit : option R) (c0 : list R).
Definition largest_over (u : list R) : R := fold_right Rmax 0 u.
Definition rows_over : list R := map2 (fun theta r => norm r / norm1 theta - kappa P) (columns W) residuals.
Definition biases_over : list R := if free && bias_priced P then map (fun s => Rabs s - kappa P) bias_sums else [].
(** V, the largest violation of what shares one price. *)
Definition shared_over : R := largest_over (match penalty_of P with PathNorm => rows_over | _ => [] end ++ biases_over).
Definition dual_cost (U : R) : R :=
  U * shared_over / kappa P
  + match penalty_of P with
    | WeightDecay => sum (map (fun r => dot r r) residuals) / (2 * kappa P)
    | NoPenalty | L1 => match row_limits with Some most => dot most (map norm residuals) | None => 0 end
    | _ => 0
    end
  + (if free && negb (bias_priced P) then match bias_limit with Some H => H * norm1 bias_sums | None => 0 end else 0).
(** What neither rows nor a free output bias can change. *)
Definition kept_part : R :=
  match penalty_of P with
  | L1 => kappa P * sum (map norm1 W)
  | WeightDecay => kappa P * (sum (map (fun r => dot r r) W) / 2)
  | _ => 0
  end
  + (if free then 0 else dot c0 bias_sums + if bias_priced P then kappa P * norm1 c0 else 0).
Definition dual_bound (U : R) : R := - dot proportions (conjugates P D) - dual_cost U + kept_part.

(** ** The theorem *)
(** Penalties of the format, and limits where they are asked for. *)
Definition prices_fit : Prop :=
  match penalty_of P with
  | NoPenalty => kappa P = 0 /\ bias_priced P = false /\ row_limits <> None
  | L1 => 0 < kappa P /\ row_limits <> None
  | PathNorm => 0 < kappa P
  | WeightDecay => 0 < kappa P /\ bias_priced P = false
  | Balanced => False
  end /\ (free = true -> bias_priced P = false -> bias_limit = None -> Forall (fun s => s = 0) bias_sums).
(** Rows of the region of the patterns. *)
Definition rows_within (E : list (list R)) : Prop :=
  Forall2 (fun am e => length e = n /\ in_cone extended (fst am) e /\ (first = 1 \/ hd 0 e = 0) /\
    length (snd am) = length (samples P) /\ Forall (fun m => 0 <= m) (snd am)) duals E /\
  match row_limits with Some most => Forall2 (fun e r => norm e <= r) E most | None => True end.
Definition bias_within (c : list R) : Prop :=
  length c = length W /\ (if free then match bias_limit with Some H => Forall (fun x => Rabs x <= H) c | None => True end else c = c0).

Hypothesis P_proper : proper P.
Hypothesis relu : slope P = 0.
Hypothesis fits : dual_fits P (length W) D.
Hypothesis prices : prices_fit.
Hypothesis outputs_there : W <> [].
Hypothesis inputs_fit : Forall (fun x => length x = n) extended.

Lemma proportions_dot v : dot proportions v = dot (map (@share R) (samples P)) v / total P.
Proof.
  unfold proportions. generalize (total P). intro t. generalize (samples P). intro J. revert v. induction J as [|j J IH]; intros [|x v]; simpl; rewrite ?dot_nil_l, ?dot_nil_r; try (unfold Rdiv; ring).
  rewrite !dot_cons, IH. unfold Rdiv. ring.
Qed.
Lemma largest_nonneg u : 0 <= largest_over u.
Proof. induction u; simpl; [lra|]. eapply Rle_trans; [exact IHu | apply Rmax_r]. Qed.
Lemma largest_ge u x : In x u -> x <= largest_over u.
Proof.
  induction u as [|y u IH]; simpl; [easy|]. intros [<-|I]; [apply Rmax_l|]. eapply Rle_trans; [now apply IH | apply Rmax_r].
Qed.
Lemma norm1_zero u : norm1 u = 0 -> Forall (fun x => x = 0) u.
Proof.
  unfold norm1. induction u as [|x u IH]; simpl; intro H; constructor; rewrite sum_cons in H; pose proof (Rabs_pos x); pose proof (norm1_nonneg u) as N; unfold norm1 in N.
  - destruct (Req_dec x 0) as [Z|Z]; [assumption|]. apply Rabs_pos_lt in Z. lra.
  - apply IH. lra.
Qed.
Lemma weighted_one e : weighted_row (1, e) = e.
Proof. unfold weighted_row; simpl. rewrite Rabs_R1. rewrite <- (map_id e) at 2. apply map_ext. intro. ring. Qed.
Lemma relu_input j e : length e = n -> (first = 1 \/ hd 0 e = 0) -> sigma (slope P) (neuron (input j) e) = 1 * Rmax 0 (dot e (first :: input j)).
Proof.
  intros L H. rewrite relu. unfold sigma. rewrite Rmult_0_l, Rmax_comm, Rmult_1_l. f_equal. destruct e as [|b e]; simpl in *; [now rewrite dot_nil_l|].
  rewrite dot_cons. destruct H as [-> | ->]; ring.
Qed.
Definition neuron_share (theta e : list R) : R :=
  dot proportions (map2 (fun j nu => dot theta nu * sigma (slope P) (neuron (input j) e)) (samples P) D).
Lemma extended_length : length extended = length (samples P).
Proof. apply map_length. Qed.
Lemma dual_length : length D = length (samples P).
Proof. pose proof fits as DF. unfold dual_fits in DF. clear - DF. induction DF; simpl; auto. Qed.
(** One neuron: Cauchy and Schwarz after its multipliers. *)
Lemma neuron_share_below theta am e : length e = n -> in_cone extended (fst am) e -> (first = 1 \/ hd 0 e = 0) ->
  length (snd am) = length (samples P) -> Forall (fun m => 0 <= m) (snd am) ->
  - (norm e * norm (row_residual theta am)) <= neuron_share theta e.
Proof.
  intros L C B LM M. unfold neuron_share.
  assert (X : map2 (fun j nu => dot theta nu * sigma (slope P) (neuron (input j) e)) (samples P) D
              = map2 (fun j nu => dot theta nu * (1 * Rmax 0 (dot e (first :: input j)))) (samples P) D).
  { apply map2_same. intros j nu. now rewrite (relu_input j L B). }
  rewrite X. pose proof (by_inputs (fun x => 1 * Rmax 0 (dot e x)) (fun j => first :: input j) theta proportions (samples P) D) as Y. cbv beta in Y. rewrite Y. clear X Y. fold extended. fold (pull_on theta). unfold row_residual. destruct (Req_EM_T (norm1 theta) 0) as [Z|Z].
  - apply norm1_zero in Z. unfold pull_on.
    assert (Q : forall k X, sum (map2 (fun k x => k * (1 * Rmax 0 (dot e x))) (map2 (fun q nu => q * dot theta nu) k D) X) = 0).
    { intro k. generalize D. clear - Z. induction k as [|a k IH]; intros [|nu D] [|x X]; simpl; try reflexivity. rewrite sum_cons, (IH D X), (nil_dot nu Z). ring. }
    rewrite Q. unfold norm at 2. rewrite dot_nil_l, sqrt_0. lra.
  - pose proof (@neuron_below n extended inputs_fit true (fst am) (pull_on theta) (snd am) (1, e)) as Q. rewrite weighted_one in Q. cbn [fst snd] in Q.
    apply Q; try assumption.
    + right. simpl. lra.
    + unfold pull_on, proportions. rewrite map2_length, map_length, dual_length, extended_length. lia.
    + now rewrite extended_length.
    + clear - M LM. rewrite <- extended_length in LM. revert LM. generalize extended. induction M as [|m ms M0 M IH]; intros [|x X] LM; try discriminate; constructor; [now left|]. apply IH. now injection LM.
Qed.
Lemma neurons_below E : rows_within E -> length (columns W) = length E ->
  - dot (map norm E) (map norm residuals) <= sum (map2 neuron_share (columns W) E).
Proof.
  intros [H _]. unfold residuals. revert H. generalize (columns W). intros Cs H. revert Cs. induction H as [|am e ams E (L & C & B & LM & M) H IH]; intros [|t Cs] LC; try discriminate; simpl.
  - unfold dot, sum; simpl; lra.
  - rewrite dot_cons, sum_cons. injection LC as LC. specialize (IH Cs LC). pose proof (neuron_share_below t L C B LM M). lra.
Qed.

(** Fenchel and Young, summed over the samples. *)
Lemma losses_by_neurons w c : length (bias w) = length (weight w) -> Forall (fun row => length row = length (weight w)) W -> length c = length W ->
  sum (map2 neuron_share (columns W) (extended_rows w)) + dot c bias_sums - dot proportions (conjugates P D)
  <= dot proportions (map (sample_loss P [w; Layer W c]) (samples P)).
Proof.
  intros LB LW LC. pose proof P_proper as (_ & PL & _ & S1 & S2). fold (total P) in S2. set (net := [w; Layer W c]).
  assert (out : forall j, outputs (slope P) net (input j) =
            map2 (fun row b => dot row (map (fun e => sigma (slope P) (neuron (input j) e)) (extended_rows w)) + b) W c).
  { intro j. unfold net. simpl. unfold affine at 1. now rewrite affine_neuron, map_map. }
  assert (split : forall nu j, length nu = length W -> dot nu (outputs (slope P) net (input j)) =
            dot (map (fun t => dot t nu) (columns W)) (map (fun e => sigma (slope P) (neuron (input j) e)) (extended_rows w)) + dot nu c).
  { intros nu j LN. rewrite out. set (h := map _ _). rewrite <- (dot_by_neurons h LW LN). clear - LN LC. revert nu c LN LC.
    induction W as [|row W' IH]; intros [|v nu] [|b c] LN LC; try discriminate; simpl; [unfold dot, sum; simpl; ring|]. rewrite !dot_cons, IH by (simpl in *; lia). ring. }
  assert (SUM : dot proportions (map2 (fun j nu => dot nu (outputs (slope P) net (input j))) (samples P) D)
            = sum (map2 neuron_share (columns W) (extended_rows w)) + dot c bias_sums).
  { transitivity (dot proportions (map2 (fun j nu => dot (map (fun t => dot t nu) (columns W)) (map (fun e => sigma (slope P) (neuron (input j) e)) (extended_rows w)) + dot nu c) (samples P) D)).
    - f_equal. pose proof fits as DF. unfold dual_fits in DF. clear - split DF. induction DF as [|j nu J D' [_ L] H IH]; cbn [map2]; [reflexivity|]. f_equal; [now apply split | exact IH].
    - rewrite dot_plus, swap. f_equal. unfold bias_sums. rewrite combination_dot with (n := length W); [|pose proof fits as DF; unfold dual_fits in DF; clear - DF; induction DF as [|j nu J D' [_ L] H IH]; constructor; auto | assumption].
      pose proof dual_length as DL. clear - DL. unfold proportions. revert DL. generalize (total P). intro t. generalize D. induction (samples P) as [|j J IH]; intros [|nu D'] DL; try discriminate; [reflexivity|].
      simpl. rewrite dot_cons, sum_cons, IH by (injection DL; auto). reflexivity. }
  rewrite <- SUM, !proportions_dot. unfold Rdiv. rewrite <- Rmult_minus_distr_r. apply Rmult_le_compat_r; [left; now apply Rinv_0_lt_compat|].
  pose proof fits as DF. unfold dual_fits in DF. unfold conjugates. clear SUM.
  assert (LO : forall j, length (outputs (slope P) net (input j)) = length W) by (intro j; rewrite out, map2_length; lia).
  clearbody net. clear - DF S1 LO PL. induction DF as [|j nu J D' [A L] H IH]; simpl; [unfold dot, sum; simpl; lra|].
  inversion_clear S1 as [|? ? S2 S3]. specialize (IH S3). rewrite !dot_cons.
  assert (Y : dot nu (outputs (slope P) net (input j)) - conjugate (loss_of P) (target j) (label j) nu <= sample_loss P net j).
  { apply fenchel_young; try assumption. now rewrite LO. }
  apply Rmult_le_compat_l with (r := share j) in Y; [|assumption]. lra.
Qed.
Lemma rows_below_price V Cs ams ns : 0 <= V -> 0 <= kappa P -> Forall (fun x => 0 <= x) ns ->
  (forall x, In x (map2 (fun theta r => norm r / norm1 theta - kappa P) Cs (map2 row_residual Cs ams)) -> x <= V) ->
  dot ns (map norm (map2 row_residual Cs ams)) <= (kappa P + V) * dot ns (map norm1 Cs).
Proof.
  intros V0 K0 N. revert ns N ams. induction Cs as [|t Cs IH]; intros ns N [|am ams] H; cbn [map map2] in *; rewrite ?dot_nil_r; try lra.
  - apply Rmult_le_pos; [lra|]. apply dot_nonneg; [assumption | apply (norm1s_nonneg (t :: Cs))].
  - destruct N as [|a ns A N]; [rewrite !dot_nil_l; lra|]. rewrite !dot_cons. specialize (IH ns N ams (fun x I => H x (or_intror I))). specialize (H _ (or_introl eq_refl)).
    assert (norm (row_residual t am) <= (kappa P + V) * norm1 t); [|nra]. unfold row_residual in *. destruct (Req_EM_T (norm1 t) 0) as [Z|Z].
    + rewrite Z. unfold norm. rewrite dot_nil_l, sqrt_0. lra.
    + pose proof (norm1_nonneg t). apply Rmult_le_reg_r with (/ norm1 t); [apply Rinv_0_lt_compat; lra|]. rewrite Rmult_assoc, Rinv_r by assumption. unfold Rdiv in H. lra.
Qed.
Lemma proportions_nonneg : Forall (fun x => 0 <= x) proportions.
Proof.
  destruct P_proper as (_ & _ & _ & S1 & S2). fold (total P) in S2. unfold proportions. apply Forall_forall. intros x I. apply in_map_iff in I as (j & <- & I).
  apply Rmult_le_pos; [|left; now apply Rinv_0_lt_compat]. rewrite Forall_forall in S1. apply S1. now apply in_map.
Qed.
Lemma losses_nonneg w c : length c = length W -> 0 <= dot proportions (map (sample_loss P [w; Layer W c]) (samples P)).
Proof.
  intro LC. destruct P_proper as (_ & PL & _). apply dot_nonneg; [apply proportions_nonneg|]. apply Forall_forall. intros z I. apply in_map_iff in I as (j & <- & I).
  unfold sample_loss. apply loss_nonneg; [assumption|]. intro CE. rewrite outputs_length by discriminate. cbn [last weight bias].
  assert (label j < length W)%nat; [|lia]. pose proof fits as DF. unfold dual_fits in DF. rewrite CE in DF. clear - DF I.
  induction DF as [|j' nu J D' [(_ & _ & Q) L] H IH]; [easy|]. destruct I as [<-|I]; [now rewrite <- L | now apply IH].
Qed.
(** The dual bound of a region: F is at least [dual_bound U] wherever it is at most U. *)
Theorem region_below U w c : length (bias w) = length (weight w) -> Forall (fun row => length row = length (weight w)) W ->
  rows_within (extended_rows w) -> bias_within c -> F P [w; Layer W c] <= U -> dual_bound U <= F P [w; Layer W c].
Proof.
  intros LB LW RW [LC CW] FU. set (net := [w; Layer W c]) in *. set (E := extended_rows w) in *. pose proof P_proper as (_ & _ & K0 & _ & S2). fold (total P) in S2.
  assert (LE : length (columns W) = length E).
  { unfold E, extended_rows. rewrite map2_length. destruct (columns_length LW) as [Z|Z]; [contradiction|lia]. }
  pose proof (losses_by_neurons LB LW LC) as LOSS. fold E net in LOSS. pose proof (neurons_below RW LE) as NB. pose proof (losses_nonneg w LC) as L0. fold net in L0.
  assert (FE : F P net = dot proportions (map (sample_loss P net) (samples P)) + kappa P * penalty_value (penalty_of P) (bias_priced P) net).
  { unfold F, mean. now rewrite proportions_dot. }
  rewrite FE in *. set (L := dot proportions (map (sample_loss P net) (samples P))) in *. set (NS := sum (map2 neuron_share (columns W) E)) in *. clearbody L NS.
  destruct RW as [_ RL]. destruct prices as [PF FREE]. unfold dual_bound. set (conj := dot proportions (conjugates P D)) in *. clearbody conj.
  set (V := shared_over). assert (V0 : 0 <= V) by apply largest_nonneg.
  assert (NN : Forall (fun x => 0 <= x) (map norm E)) by apply norms_nonneg. pose proof (norm1_nonneg c) as NC.
  (* The output bias, without what it pays where it is free and priced. *)
  assert (BIAS : (if free then if bias_priced P then - ((kappa P + V) * norm1 c) else - (match bias_limit with Some H => H * norm1 bias_sums | None => 0 end)
                  else dot c0 bias_sums) <= dot c bias_sums).
  { destruct free eqn:EF; [|subst c; lra]. destruct (bias_priced P) eqn:EP.
    - apply dot_bounded; [lra|]. intros s I. assert (Rabs s - kappa P <= V); [|lra]. unfold V, shared_over. apply largest_ge. apply in_or_app. right.
      unfold biases_over. rewrite EF, EP. simpl. apply in_map_iff. now exists s.
    - destruct bias_limit as [H|] eqn:EH.
      + assert (H0 : 0 <= H \/ c = []). { destruct CW as [|x c' CX CW]; [now right | left; pose proof (Rabs_pos x); lra]. }
        destruct H0 as [H0| ->]; [|elim outputs_there; now apply length_zero_iff_nil].
        rewrite dot_comm. rewrite Rmult_comm, (Rmult_comm _ H). apply dot_bounded; [assumption|]. now apply Forall_forall.
      + specialize (FREE eq_refl eq_refl eq_refl). rewrite dot_comm, (nil_dot c FREE). lra. }
  unfold dual_cost, kept_part. fold V. unfold net in *. cbn [last hd weight bias penalty_value] in *. unfold bias_price in *. cbn [last bias] in *.
  assert (BUDGET : forall z, 0 <= z -> 0 < kappa P -> kappa P * z <= U -> V * z <= U * V / kappa P).
  { intros z Z0 KP Q. apply Rmult_le_reg_r with (kappa P); [assumption|]. unfold Rdiv. rewrite Rmult_assoc, (Rmult_assoc (U * V)), Rinv_l by lra. nra. }
  assert (NOTHING : match penalty_of P with PathNorm => False | _ => True end -> (bias_priced P = false \/ free = false) -> U * V / kappa P = 0).
  { intros Q B. assert (V = 0); [|subst V; unfold Rdiv; rewrite H; ring]. unfold V, shared_over, biases_over. destruct B as [-> | ->]; rewrite ?andb_false_r; simpl; destruct (penalty_of P); try contradiction; reflexivity. }
  assert (LIMIT : match row_limits with Some most => dot (map norm E) (map norm residuals) <= dot most (map norm residuals) | None => True end).
  { destruct row_limits as [most|]; [|trivial]. rewrite !(dot_comm _ (map norm residuals)). apply dot_le; [apply norms_nonneg|]. clear - RL. induction RL; simpl; constructor; assumption. }
  destruct (penalty_of P) eqn:EQ; try contradiction.
  - destruct PF as (KZ & BP & RN). rewrite BP, NOTHING in * by auto. destruct row_limits as [most|]; [|contradiction]. rewrite KZ. destruct free; simpl in *; lra.
  - destruct PF as (KP & RN). destruct row_limits as [most|]; [|contradiction]. destruct free eqn:EF; simpl in *.
    + destruct (bias_priced P) eqn:EP; simpl in *.
      * pose proof (map_nonneg W norm1_nonneg) as NW. assert (0 <= kappa P * sum (map norm1 W)) by now apply Rmult_le_pos.
        assert (B := BUDGET (norm1 c) NC KP ltac:(lra)). lra.
      * rewrite NOTHING by auto. lra.
    + subst c. rewrite NOTHING by auto. destruct (bias_priced P); simpl in *; lra.
  - cbn [penalty_value last hd weight bias] in *. unfold bias_price in *. cbn [last bias] in *. rewrite column_norms in *. assert (ROWS : dot (map norm E) (map norm residuals) <= (kappa P + V) * dot (map norm E) (map norm1 (columns W))).
    { apply rows_below_price; try assumption. intros x I. unfold V, shared_over. rewrite EQ. apply largest_ge. apply in_or_app. now left. }
    fold E in FU |- *. set (z := dot (map norm E) (map norm1 (columns W))) in *.
    assert (Z0 : 0 <= z). { apply dot_nonneg; [assumption | apply norm1s_nonneg]. }
    destruct free eqn:EF; simpl in *.
    + destruct (bias_priced P) eqn:EP; simpl in *.
      * assert (B := BUDGET (z + norm1 c) ltac:(lra) PF ltac:(lra)). lra.
      * assert (B := BUDGET z Z0 PF ltac:(lra)). lra.
    + subst c. assert (BP : 0 <= kappa P * (if bias_priced P then norm1 c0 else 0)) by (apply Rmult_le_pos; destruct (bias_priced P); lra).
      assert (B := BUDGET z Z0 PF ltac:(lra)). destruct (bias_priced P); simpl in *; lra.
  - destruct PF as (KP & BP). rewrite BP, NOTHING in * by auto. cbn [penalty_value last hd weight bias]. pose proof (squares_below E residuals KP) as Q. fold E.
    clear FU BUDGET. destruct free; simpl in *; lra.
Qed.
(** As the least F is at most that of any member, one with [F <= U] makes it a bound for all of them. *)
Corollary region_bound U w0 c1 : (length (bias w0) = length (weight w0) /\ Forall (fun row => length row = length (weight w0)) W /\
    rows_within (extended_rows w0) /\ bias_within c1 /\ F P [w0; Layer W c1] <= U) ->
  forall w c, length (bias w) = length (weight w) -> Forall (fun row => length row = length (weight w)) W -> rows_within (extended_rows w) -> bias_within c ->
  dual_bound U <= F P [w; Layer W c].
Proof.
  intros (A1 & A2 & A3 & A4 & A5) w c B1 B2 B3 B4. destruct (Rle_dec (F P [w; Layer W c]) U) as [Q|Q]; [now apply region_below|].
  pose proof (region_below A1 A2 A3 A4 A5). lra.
Qed.
End Region.

(** ** In the words of Spec.v *)
Lemma Forall2_nth_error {A B} (Q : A -> B -> Prop) u v : length u = length v ->
  (forall i a b, nth_error u i = Some a -> nth_error v i = Some b -> Q a b) -> Forall2 Q u v.
Proof.
  revert v. induction u as [|a u IH]; intros [|b v] L H; try discriminate; constructor; [exact (H O a b eq_refl eq_refl)|].
  apply IH; [now injection L|]. intros i. exact (H (Datatypes.S i)).
Qed.
Lemma nth_error_extended l i e : nth_error (extended_rows l) i = Some e -> exists b r, e = b :: r /\ nth_error (bias l) i = Some b /\ nth_error (weight l) i = Some r.
Proof.
  unfold extended_rows. generalize (weight l). generalize (bias l). intro u. revert i. induction u as [|b u IH]; intros [|i] [|r W]; simpl; try discriminate; intro E.
  - injection E as <-. now exists b, r.
  - exact (IH i W E).
Qed.

(** The dual and a point of a region's program prove both ends: [duals] has the pattern of the region and multipliers that are at least 0, and
    the stored [point] with the output bias [point_bias] is a member with F at most U. *)
Theorem region_optimum_by_duality (P : problem R) (l h : layer R) active (hidden free : bool) row_limits bias_limit (D : list (list R)) duals point point_bias d U lower upper :
  let first := if hidden then 1 else 0 in
  proper P -> slope P = 0 -> dual_fits P (length (weight h)) D ->
  prices_fit P (weight h) D free row_limits bias_limit ->
  weight h <> [] -> length (bias h) = length (weight h) -> Forall (fun row => length row = length (weight l)) (weight h) ->
  length (bias l) = length (weight l) -> Forall (fun row => length row = d) (weight l) -> Forall (fun j => length (input j) = d) (samples P) ->
  length duals = length (weight l) ->
  Forall (fun am => length (fst am) = length (samples P) /\ length (snd am) = length (samples P) /\ Forall (fun m => 0 <= m) (snd am)) duals ->
  (forall i j am b x, nth_error duals i = Some am -> nth_error (fst am) j = Some b -> nth_error (map (@input R) (samples P)) j = Some x ->
     (b = true <-> counts_active l active i j x)) ->
  (forall i j, In (i, j) active -> (i < length (weight l))%nat /\ exists x, nth_error (map (@input R) (samples P)) j = Some x /\ pre_activation l i x = 0) ->
  in_region P l active hidden point -> output_bias_of h free bias_limit point_bias ->
  match row_limits with Some u => Forall2 (fun e most => norm e <= most) (extended_rows point) u | None => True end ->
  F P [point; Layer (weight h) point_bias] <= U -> U <= upper ->
  lower = 0 \/ lower <= dual_bound P (weight h) D first (Datatypes.S d) duals free row_limits bias_limit (bias h) U ->
  region_optimum P l h active hidden free row_limits bias_limit lower upper.
Proof.
  intros first HP SL DF PF HW BH WH BL WL IN LD AD PAT ACT PR PB PL FU UP LOW.
  assert (XF : Forall (fun x => length x = Datatypes.S d) (extended P first)).
  { unfold extended. apply Forall_forall. intros x I. apply in_map_iff in I as (j & <- & I). rewrite Forall_forall in IN. simpl. now rewrite (IN j I). }
  assert (members : forall w, in_region P l active hidden w -> match row_limits with Some u => Forall2 (fun e most => norm e <= most) (extended_rows w) u | None => True end ->
            length (bias w) = length (weight w) /\ length (weight w) = length (weight l) /\ rows_within P first (Datatypes.S d) duals row_limits (extended_rows w)).
  { intros w (R1 & R2 & R3 & R4) RL. pose proof (same_rows_length R1) as LW. split; [congruence|]. split; [assumption|]. split; [|exact RL].
    apply Forall2_nth_error; [unfold extended_rows; rewrite map2_length; lia|]. intros i am e EA EE.
    destruct (nth_error_extended EE) as (b & r & -> & EB & ER).
    assert (IL : (i < length (weight l))%nat) by (rewrite <- LW; apply nth_error_Some; congruence).
    rewrite Forall_forall in AD. destruct (AD am (nth_error_In _ _ EA)) as (A1 & A2 & A3).
    assert (LR : length r = d).
    { clear - R1 WL ER. revert i ER. induction R1 as [|q q' W W' L H IH]; intros [|i] ER; simpl in ER; try discriminate; inversion_clear WL; [injection ER as <-; congruence | now apply (IH H1 i)]. }
    assert (B : first = 1 \/ b = 0).
    { unfold first. destruct hidden; [now left|]. right. specialize (R3 eq_refl). rewrite Forall_forall in R3. apply R3. now apply nth_error_In in EB. }
    split; [simpl; now rewrite LR|]. split; [|split; [exact B | split; assumption]].
    apply Forall2_nth_error; [unfold extended; now rewrite map_length|]. intros j bit xt Ebit Ext. unfold extended in Ext.
    destruct (nth_error (samples P) j) as [s|] eqn:ES; [|apply nth_error_None in ES; assert (Q : nth_error (map (fun j0 => first :: input j0) (samples P)) j = None) by (apply nth_error_None; now rewrite map_length); congruence].
    rewrite (map_nth_error (fun j0 => first :: input j0) _ _ ES) in Ext. injection Ext as <-. pose proof (map_nth_error (@input R) _ _ ES) as EX.
    assert (PA : dot (first :: input s) (b :: r) = pre_activation w i (input s)).
    { unfold pre_activation. rewrite (nth_error_nth _ _ [] ER), (nth_error_nth _ _ 0 EB), dot_cons, (dot_comm r). destruct B as [-> | ->]; ring. }
    rewrite PA. destruct (R4 i j (input s) IL EX) as [Q1 Q2]. pose proof (PAT i j am bit (input s) EA Ebit EX) as Q. destruct bit; simpl; [now apply Q1, Q|].
    apply Q2. intro C. apply Q in C. discriminate. }
  split; [exact ACT|]. split; [|exists point, point_bias; split; [auto | lra]].
  intros w c (IR & C & RL). destruct (members w IR RL) as (M1 & M2 & M3). destruct (members point PR PL) as (M4 & M5 & M6).
  assert (bias_of : forall c, output_bias_of h free bias_limit c -> bias_within (weight h) free bias_limit (bias h) c) by (intros c' [C1 C2]; split; [congruence | exact C2]).
  destruct LOW as [->|LOW].
  - destruct C as [C1 _]. apply (F_at_least_0 HP (w := [w; Layer (weight h) c]) (K := length (weight h))); [discriminate | cbn [last weight bias]; lia|].
    intros CE j I. unfold dual_fits in DF. rewrite CE in DF. clear - DF I.
    induction DF as [|j' nu J D' [(_ & _ & Q) L] H IH]; [easy|]. destruct I as [<-|I]; [now rewrite <- L | now apply IH].
  - eapply Rle_trans; [exact LOW|]. apply region_bound with (w0 := point) (c1 := point_bias); try assumption; [| now rewrite M2 | now apply bias_of].
    split; [assumption|]. split; [now rewrite M5|]. split; [assumption|]. split; [now apply bias_of | assumption].
Qed.
