(** * Dual bounds of F on the faces of cells (docs/mathematics.md, section 8) *)
From Coq Require Import Reals List ZArith Bool Lia Lra Permutation.
From Proofs Require Import Spec Convex Moves Scaling Balance Fixed Eval Chord Bound Checker Dual Barrier.
Import ListNotations.
Set Implicit Arguments.
Unset Strict Implicit.
Open Scope R_scope.

Definition neuron_sum (p : list (R * list R)) (x : list R) : R := sum (map (fun v => fst v * Rmax 0 (dot (snd v) x)) p).
(** The penalty of the neurons, which weight decay is never below. *)
Definition size (p : list (R * list R)) : R := sum (map (fun v => norm (weighted_row v)) p).
Lemma weighted_norm v : norm (weighted_row v) = Rabs (fst v) * norm (snd v).
Proof. unfold weighted_row. now rewrite norm_scale by apply Rabs_pos. Qed.
Lemma size_nonneg p : 0 <= size p.
Proof. unfold size. induction p; simpl; [apply Rle_refl|]. rewrite sum_cons. pose proof (norm_nonneg (weighted_row a)). lra. Qed.
Lemma neuron_sum_permutation p q x : Permutation p q -> neuron_sum p x = neuron_sum q x.
Proof. intro H. apply sum_permutation. now apply Permutation_map. Qed.
Lemma size_permutation p q : Permutation p q -> size p = size q.
Proof. intro H. apply sum_permutation. now apply Permutation_map. Qed.

Section Face.
Variables (n : nat) (X : list (list R)).
Hypothesis X_length : Forall (fun x => length x = n) X.
Notation in_cone := (in_cone X).

(** ** One neuron of a cell *)
Definition sign (s : bool) : R := if s then 1 else -1.
Definition bit_of (b : bool) : R := if b then 1 else 0.
Lemma neuron_term (s b : bool) v x : (nil (weighted_row v) \/ off_side s (fst v)) -> on_side b (dot x (weighted_row v)) ->
  fst v * Rmax 0 (dot (snd v) x) = sign s * bit_of b * dot x (weighted_row v).
Proof.
  destruct v as [th w]. unfold weighted_row; simpl. rewrite (dot_comm x), dot_scale_l. intros S O.
  destruct S as [S|S].
  - assert (Z : th = 0 \/ nil w) by (apply (weighted_nil (th, w)); exact S).
    destruct Z as [-> | Z]; [rewrite Rabs_R0; ring|]. rewrite (nil_dot x Z). unfold Rmax. destruct (Rle_dec 0 0); ring.
  - destruct s; simpl in S; [rewrite (Rabs_pos_eq th) in * by lra | rewrite (Rabs_left th S) in *]; unfold sign, bit_of, Rmax;
      destruct b; simpl in O; destruct (Rle_dec 0 (dot w x)); nra.
Qed.
(** [sum_j k_j x_j]. *)
Definition combination_of (ks : list R) : list R := fold_right (fun kx acc => vadd (map (Rmult (fst kx)) (snd kx)) acc) (repeat 0 n) (combine ks X).
Lemma vadd_same k (a b : list R) : length a = k -> length b = k -> length (vadd a b) = k.
Proof. revert k b. induction a as [|x a IH]; intros k [|y b] A B; simpl in *; auto. destruct k; [discriminate|]. rewrite (IH k b); lia. Qed.
Lemma fold_length ks Y : Forall (fun x => length x = n) Y ->
  length (fold_right (fun kx acc => vadd (map (Rmult (fst kx)) (snd kx)) acc) (repeat 0 n) (combine ks Y)) = n.
Proof.
  intro HY. revert ks. induction HY as [|x Y L HY IH]; intros [|k ks]; simpl; try apply repeat_length. apply vadd_same; [now rewrite map_length | apply IH].
Qed.
Lemma dot_repeat u k : dot u (repeat 0 k) = 0.
Proof. revert u; induction k; intros [|x u]; simpl; rewrite ?dot_nil_l, ?dot_nil_r, ?dot_cons, ?IHk; try reflexivity. ring. Qed.
Lemma combination_dot ks u : length u = n -> dot u (combination_of ks) = sum (map2 (fun k x => k * dot x u) ks X).
Proof.
  intro LU. unfold combination_of. revert ks. pose proof X_length as HX. clear X_length. induction HX as [|x Y LX H IH]; intros [|k ks]; simpl; try (rewrite dot_repeat; reflexivity).
  rewrite dot_vadd, sum_cons, IH; [| rewrite map_length; congruence | rewrite (fold_length ks H); now symmetry].
  f_equal. rewrite dot_comm, dot_scale_l. reflexivity.
Qed.
(** [r = sum_j (s q_j a_j - mu_j (2 a_j - 1)) x_j] for the weighted dual q. *)
Definition residual (s : bool) (a : list bool) (q mu : list R) : list R :=
  combination_of (map2 (fun ab m => sign s * snd ab * bit_of (fst ab) - m * sign (fst ab)) (combine a q) mu).
Lemma neuron_below s a q mu v : length (snd v) = n -> in_cone a (weighted_row v) -> (nil (weighted_row v) \/ off_side s (fst v)) ->
  length q = length X -> length mu = length X -> Forall2 (fun m x => 0 <= m \/ dot x (weighted_row v) = 0) mu X ->
  - (norm (weighted_row v) * norm (residual s a q mu)) <= sum (map2 (fun w x => w * (fst v * Rmax 0 (dot (snd v) x))) q X).
Proof.
  intros L C S LQ LM M. eapply Rle_trans; [apply cauchy_below|]. unfold residual. rewrite combination_dot by (unfold weighted_row; now rewrite map_length).
  unfold Barrier.in_cone in C. clear X_length. revert q mu LQ LM M. induction C as [|b x a Y O C IH]; intros [|w q] [|m mu] LQ LM M; try discriminate; simpl; [apply Rle_refl|].
  inversion_clear M as [|? ? ? ? M1 M2]. rewrite !sum_cons. injection LQ as LQ. injection LM as LM. specialize (IH q mu LQ LM M2).
  rewrite (neuron_term S O). enough (0 <= m * sign b * dot x (weighted_row v)) by lra.
  destruct M1 as [M1|M1]; [|rewrite M1; lra]. unfold sign. destruct b; simpl in O; nra.
Qed.
Lemma empty_neuron v x : nil (weighted_row v) -> fst v * Rmax 0 (dot (snd v) x) = 0.
Proof. intro N. assert (O : on_side true (dot x (weighted_row v))) by (rewrite dot_comm, (nil_dot x N); simpl; lra). rewrite (@neuron_term true true v x (or_introl N) O), dot_comm, (nil_dot x N). ring. Qed.

(** ** F by neurons *)
Variables (P : problem R) (priced_kappa : R).
Hypothesis samples_fit : length X = length (samples P).
Notation shares := (map (@share R) (samples P)).
Definition neuron_loss (p : list (R * list R)) (c : R) : list R :=
  map2 (fun j x => loss_value (loss_of P) (target j) (label j) [neuron_sum p x + c]) (samples P) X.
Definition neuron_F (p : list (R * list R)) (c : R) : R := mean shares (neuron_loss p c) + kappa P * size p + priced_kappa * Rabs c.
Definition conjugate_values (nu : list R) : list R := map2 (fun j v => conjugate (loss_of P) (target j) (label j) [v]) (samples P) nu.
Definition weighted_dual (nu : list R) : list R := map2 Rmult shares nu.

Lemma loss_below p c nu : proper P -> length nu = length X -> Forall2 (fun j v => in_domain (loss_of P) (target j) (label j) [v]) (samples P) nu ->
  sum (map2 (fun w x => w * (neuron_sum p x + c)) (weighted_dual nu) X) - dot shares (conjugate_values nu) <= dot shares (neuron_loss p c).
Proof.
  intros (_ & C & _ & S1 & _) L D. unfold weighted_dual, conjugate_values, neuron_loss. clear X_length. revert S1 X samples_fit L.
  induction D as [|j v J nu D H IH]; intros S1 [|x Y] LX L; try discriminate; simpl; [unfold dot, sum; simpl; lra|].
  inversion_clear S1 as [|? ? S2 S3]. rewrite sum_cons, !dot_cons. specialize (IH S3 Y ltac:(simpl in LX; lia) ltac:(simpl in L; lia)).
  assert (FY := @fenchel_young (loss_of P) (target j) (label j) [v] [neuron_sum p x + c] C D eq_refl). rewrite dot_cons, dot_nil_l in FY.
  apply Rmult_le_compat_l with (r := share j) in FY; [|assumption]. lra.
Qed.
Lemma split_sum p c q : length q = length X ->
  sum (map2 (fun w x => w * (neuron_sum p x + c)) q X) = sum (map (fun v => sum (map2 (fun w x => w * (fst v * Rmax 0 (dot (snd v) x))) q X)) p) + c * sum q.
Proof.
  intro L. clear samples_fit X_length. revert X L. induction q as [|w q IH]; intros [|x Y] L; try discriminate; simpl.
  - induction p; simpl; [unfold sum; simpl; ring|]. rewrite sum_cons. unfold sum at 1 2 in IHp. unfold sum in *. simpl in *. lra.
  - injection L as L. rewrite !sum_cons, (IH Y L). clear IH. unfold neuron_sum. induction p as [|v p IH]; simpl; [unfold sum; simpl; ring|]. rewrite !sum_cons. lra.
Qed.

(** What a face's dual says, for neurons [ps] with codes [cs] and a further one, if any, whose row is 0. *)
Theorem face_bound (cs : list (bool * list bool)) (mus : list (list R)) (ps rest : list (R * list R)) (nu : list R) (c V level : R) :
  proper P -> 0 <= priced_kappa -> length nu = length X -> Forall2 (fun j v => in_domain (loss_of P) (target j) (label j) [v]) (samples P) nu ->
  Forall (fun j => loss_of P <> CrossEntropy) (samples P) ->
  Forall2 (fun cm v => length (snd v) = n /\ in_cone (snd (fst cm)) (weighted_row v) /\ (nil (weighted_row v) \/ off_side (fst (fst cm)) (fst v)) /\
     length (snd cm) = length X /\ Forall2 (fun m x => 0 <= m \/ dot x (weighted_row v) = 0) (snd cm) X /\
     norm (residual (fst (fst cm)) (snd (fst cm)) (weighted_dual nu) (snd cm)) <= total P * kappa P + V) (combine cs mus) ps ->
  Forall (fun v => nil (weighted_row v)) rest -> 0 <= V -> 0 <= level ->
  (kappa P = 0 -> V = 0) -> (priced_kappa = 0 \/ priced_kappa = kappa P) ->
  forall pull cost : R, pull - (if Req_EM_T priced_kappa 0 then 0 else V * Rabs c) <= c * sum (weighted_dual nu) + total P * priced_kappa * Rabs c ->
  0 <= cost -> V * level <= cost * kappa P -> total P * level <= pull - dot shares (conjugate_values nu) - cost ->
  level <= neuron_F (rest ++ ps) c.
Proof.
  intros HP PK LN DN NC HN HR V0 L0 VZ KK pull cost PULL C0 VC BOUND. pose proof HP as (_ & HL & K0 & S1 & S2). fold (total P) in S2.
  assert (LW : length (weighted_dual nu) = length X) by (unfold weighted_dual; rewrite map2_length, map_length; lia).
  pose proof (@loss_below (rest ++ ps) c nu HP LN DN) as LB. rewrite (split_sum (rest ++ ps) c LW), map_app in LB.
  assert (sum_app : forall u w, sum (u ++ w) = sum u + sum w) by (induction u; intro w; simpl; [unfold sum; simpl; ring | rewrite !sum_cons, IHu; ring]).
  rewrite sum_app in LB.
  assert (Z : sum (map (fun v => sum (map2 (fun w x => w * (fst v * Rmax 0 (dot (snd v) x))) (weighted_dual nu) X)) rest) = 0).
  { clear - HR. induction HR as [|v rest N HR IH]; simpl; [reflexivity|]. rewrite sum_cons, IH, Rplus_0_r. generalize (weighted_dual nu). intro q. clear - N.
    revert X. induction q as [|w q IH]; intros [|x Y]; simpl; try reflexivity. rewrite sum_cons, IH, (empty_neuron x N). ring. }
  rewrite Z, Rplus_0_l in LB.
  assert (SR : size (rest ++ ps) = size ps).
  { unfold size. rewrite map_app, sum_app. enough (sum (map (fun v => norm (weighted_row v)) rest) = 0) by lra. clear - HR. induction HR as [|v rest N HR IH]; simpl; [reflexivity|].
    rewrite sum_cons, IH. unfold norm. rewrite (nil_dot _ N). rewrite sqrt_0. ring. }
  assert (NB : - ((total P * kappa P + V) * size ps) <= sum (map (fun v => sum (map2 (fun w x => w * (fst v * Rmax 0 (dot (snd v) x))) (weighted_dual nu) X)) ps)).
  { clear - HN LW X_length. unfold size. induction HN as [|cm v cms ps (A1 & A2 & A3 & A4 & A5 & A6) HN IH]; simpl; [unfold sum; simpl; lra|]. rewrite !sum_cons.
    pose proof (@neuron_below (fst (fst cm)) (snd (fst cm)) (weighted_dual nu) (snd cm) v A1 A2 A3 LW A4 A5) as B. pose proof (norm_nonneg (weighted_row v)). nra. }
  unfold neuron_F. rewrite SR. set (LS := dot shares (neuron_loss (rest ++ ps) c)) in *. set (q := sum (weighted_dual nu)) in *.
  assert (LSP : 0 <= LS).
  { unfold LS, neuron_loss. clear - S1 HL NC. revert X. induction (samples P) as [|j J IH]; intros [|x Y]; simpl; rewrite ?dot_nil_l, ?dot_nil_r; try apply Rle_refl. rewrite dot_cons.
    inversion_clear S1 as [|? ? S2 S3]. inversion_clear NC as [|? ? N1 N2]. specialize (IH N2 S3 Y).
    assert (0 <= loss_value (loss_of P) (target j) (label j) [neuron_sum (rest ++ ps) x + c]).
    { apply loss_nonneg; [assumption | intro CE; contradiction]. }
    assert (0 <= share j * loss_value (loss_of P) (target j) (label j) [neuron_sum (rest ++ ps) x + c]) by now apply Rmult_le_pos. lra. }
  unfold mean. fold (total P). fold LS. apply Rnot_lt_le. intro LT.
  pose proof (size_nonneg ps) as SZ. pose proof (Rabs_pos c) as AC.
  set (m := LS / total P) in *. assert (ME : LS = total P * m) by (unfold m; field; lra). assert (M0 : 0 <= m) by (unfold m; apply Rmult_le_pos; [assumption | left; now apply Rinv_0_lt_compat]).
  assert (T1 : 0 <= kappa P * size ps) by now apply Rmult_le_pos. assert (T2 : 0 <= priced_kappa * Rabs c) by now apply Rmult_le_pos.
  assert (X1 : total P * (m + kappa P * size ps + priced_kappa * Rabs c) < total P * level) by (apply Rmult_lt_compat_l; assumption).
  assert (gain : V * (size ps + (if Req_EM_T priced_kappa 0 then 0 else Rabs c)) <= cost).
  { destruct (Req_dec (kappa P) 0) as [KZ|KN]; [rewrite (VZ KZ); lra|]. assert (KP : 0 < kappa P) by lra.
    assert (Q : (size ps + (if Req_EM_T priced_kappa 0 then 0 else Rabs c)) * kappa P <= level).
    { destruct (Req_EM_T priced_kappa 0) as [E|E]; [lra|]. destruct KK as [KK|KK]; [contradiction|]. rewrite KK in *. lra. }
    apply Rmult_le_compat_l with (r := V) in Q; [|assumption]. apply Rmult_le_reg_r with (kappa P); [assumption|]. lra. }
  assert (E1 : total P * (m + kappa P * size ps + priced_kappa * Rabs c) = LS + total P * kappa P * size ps + total P * priced_kappa * Rabs c) by (rewrite ME; ring).
  rewrite E1 in X1. destruct (Req_EM_T priced_kappa 0) as [E|E]; lra.
Qed.
End Face.
