(** * Segments on which F is constant or convex: idle, head and transfer moves (docs/mathematics.md, section 1) *)
From Coq Require Import Reals List ZArith Bool Lia Lra Permutation.
From Proofs Require Import Spec Convex.
Import ListNotations.
Set Implicit Arguments.
Unset Strict Implicit.
Open Scope R_scope.

Definition proper (P : problem R) : Prop :=
  0 <= slope P < 1 /\ proper_loss (loss_of P) /\ 0 <= kappa P /\
  Forall (fun x => 0 <= x) (map (@share R) (samples P)) /\ 0 < sum (map (@share R) (samples P)).

(** ** F where the outputs are affine in t *)
Lemma map_lerp (P : problem R) t p v w : proper P -> within t ->
  (forall x, outputs (slope P) p x = map2 (lerp t) (outputs (slope P) v x) (outputs (slope P) w x) /\
             length (outputs (slope P) v x) = length (outputs (slope P) w x)) ->
  Forall2 Rle (map (sample_loss P p) (samples P)) (map2 (lerp t) (map (sample_loss P v) (samples P)) (map (sample_loss P w) (samples P))).
Proof.
  intros (_ & C & _) W H. induction (samples P) as [|j J IH]; simpl; constructor; [|exact IH].
  unfold sample_loss. destruct (H (input j)) as [-> E]. now apply loss_convex.
Qed.
Theorem F_convex (P : problem R) t p v w : proper P -> within t ->
  (forall x, outputs (slope P) p x = map2 (lerp t) (outputs (slope P) v x) (outputs (slope P) w x) /\
             length (outputs (slope P) v x) = length (outputs (slope P) w x)) ->
  penalty_value (penalty_of P) (bias_priced P) p
    <= lerp t (penalty_value (penalty_of P) (bias_priced P) v) (penalty_value (penalty_of P) (bias_priced P) w) ->
  F P p <= lerp t (F P v) (F P w).
Proof.
  intros HP W H Q. pose proof HP as (_ & _ & K & S1 & S2). unfold F.
  pose proof (mean_le S1 S2 (map_lerp HP W H)) as M. rewrite mean_lerp in M by (now rewrite !map_length).
  unfold lerp in *. nra.
Qed.

(** ** Idle and head moves: [live] marks the neurons that are heard *)
Fixpoint covers (live : list bool) (r q : list R) : Prop :=
  match live, r, q with
  | _, [], [] => True
  | b :: l, a :: r', c :: q' => (b = false -> a = 0 /\ c = 0) /\ covers l r' q'
  | _, _, _ => False
  end.
Fixpoint agree (live : list bool) (h h' : list R) : Prop :=
  match live, h, h' with
  | [], _, _ => True
  | _, [], [] => True
  | b :: l, x :: g, y :: g' => (b = true -> x = y) /\ agree l g g'
  | _, _, _ => False
  end.
Lemma agree_refl live h : agree live h h.
Proof. revert h; induction live; destruct h; simpl; auto. Qed.
Lemma agree_map (g : R -> R) live h h' : agree live h h' -> agree live (map g h) (map g h').
Proof.
  revert h h'; induction live as [|b l IH]; intros [|x h] [|y h']; simpl; auto. intros [A B]; split; auto.
  intro E. now rewrite A.
Qed.
Lemma dot_covers t live r q h hv hw : covers live r q -> agree live h hv -> agree live h hw ->
  dot (map2 (lerp t) r q) h = lerp t (dot r hv) (dot q hw).
Proof.
  revert r q h hv hw; induction live as [|b l IH]; intros [|a r] [|c q] h hv hw; simpl; try easy;
    rewrite ?dot_nil_l, ?lerp_0; try reflexivity.
  intros [C1 C2]. destruct h as [|x h], hv as [|y hv], hw as [|z hw]; simpl; try easy.
  - rewrite !dot_nil_r, lerp_0. reflexivity.
  - intros [A1 A2] [B1 B2]. rewrite !dot_cons, (IH r q h hv hw C2 A2 B2). destruct b.
    + rewrite <- A1, <- B1 by reflexivity. unfold lerp; ring.
    + destruct (C1 eq_refl) as [-> ->]. unfold lerp; ring.
Qed.

Fixpoint quiet_rows (out live : list bool) (W : list (list R)) (b : list R) (V : list (list R)) (c : list R) : Prop :=
  match out, W, b, V, c with
  | [], [], [], [], [] => True
  | o :: out', r :: W', x :: b', q :: V', y :: c' =>
      (o = true -> r = q /\ x = y /\ covers live r q) /\ quiet_rows out' live W' b' V' c'
  | _, _, _, _, _ => False
  end.
Fixpoint heard_rows (live : list bool) (W : list (list R)) (b : list R) (V : list (list R)) (c : list R) : Prop :=
  match W, b, V, c with
  | [], [], [], [] => True
  | r :: W', x :: b', q :: V', y :: c' => covers live r q /\ heard_rows live W' b' V' c'
  | _, _, _, _ => False
  end.
Definition quiet_layer out live (l m : layer R) := quiet_rows out live (weight l) (bias l) (weight m) (bias m).
Definition heard_layer live (l m : layer R) := heard_rows live (weight l) (bias l) (weight m) (bias m).

(** [quiet head live v w]: from v to w only entries change that feed unheard neurons, and with [head] the last layer; the
    inputs that are heard are among [live]. *)
Inductive quiet (head : bool) : list bool -> network R -> network R -> Prop :=
| quiet_last live l m : heard_layer live l m -> (head = false -> l = m) -> quiet head live [l] [m]
| quiet_cons live out l m v w :
    quiet head out v w -> quiet_layer out live l m -> quiet head live (l :: v) (m :: w).

Lemma quiet_affine t out live l m h hv hw : quiet_layer out live l m -> agree live h hv -> agree live h hw ->
  agree out (affine (lerp_layer t l m) h) (affine l hv) /\ agree out (affine (lerp_layer t l m) h) (affine m hw).
Proof.
  destruct l as [W b], m as [V c]. unfold quiet_layer, affine, lerp_layer; simpl. intros Q A B.
  revert W b V c Q; induction out as [|o out IH]; intros [|r W] [|x b] [|q V] [|y c]; simpl; try easy.
  intros [C D]. specialize (IH _ _ _ _ D) as [I1 I2]. split; split; try assumption; intro E; destruct (C E) as (-> & -> & H).
  - rewrite (@dot_covers t live q q h hv hv H A A), !lerp_same. reflexivity.
  - rewrite (@dot_covers t live q q h hw hw H B B), !lerp_same. reflexivity.
Qed.
Lemma heard_affine t live l m h hv hw : heard_layer live l m -> agree live h hv -> agree live h hw ->
  affine (lerp_layer t l m) h = map2 (lerp t) (affine l hv) (affine m hw) /\ length (affine l hv) = length (affine m hw).
Proof.
  destruct l as [W b], m as [V c]. unfold heard_layer, affine, lerp_layer; simpl. intros Q A B.
  revert b V c Q; induction W as [|r W IH]; intros [|x b] [|q V] [|y c]; simpl; try easy.
  intros [C D]. specialize (IH _ _ _ D) as [-> ->]. split; [f_equal | reflexivity].
  rewrite (@dot_covers t live r q h hv hw C A B). unfold lerp; ring.
Qed.
Lemma map2_lerp_0 u v : length u = length v -> map2 (lerp 0) u v = u.
Proof. revert v; induction u; destruct v; try discriminate; simpl; intro E; f_equal; [unfold lerp; ring | auto]. Qed.
Lemma map2_lerp_1 u v : length u = length v -> map2 (lerp 1) u v = v.
Proof. revert v; induction u; destruct v; try discriminate; simpl; intro E; f_equal; [unfold lerp; ring | auto]. Qed.
Lemma map2_map2_same t W : map2 (map2 (lerp t)) W W = W.
Proof. induction W; simpl; [reflexivity|]. now rewrite map2_lerp_same, IHW. Qed.
Lemma lerp_layer_same t l : lerp_layer t l l = l.
Proof. destruct l. unfold lerp_layer; simpl. now rewrite map2_lerp_same, map2_map2_same. Qed.
Lemma lerp_network_same t v : lerp_network t v v = v.
Proof. unfold lerp_network. induction v; simpl; [reflexivity|]. now rewrite lerp_layer_same, IHv. Qed.
Lemma lerp_layer_0 l m : same_layer l m -> lerp_layer 0 l m = l.
Proof.
  destruct l as [W b], m as [V c]. unfold same_layer, lerp_layer; simpl. intros [H E]. rewrite map2_lerp_0 by assumption. f_equal.
  clear E. induction H; simpl; [reflexivity|]. now rewrite map2_lerp_0, IHForall2.
Qed.
Lemma lerp_layer_1 l m : same_layer l m -> lerp_layer 1 l m = m.
Proof.
  destruct l as [W b], m as [V c]. unfold same_layer, lerp_layer; simpl. intros [H E]. rewrite map2_lerp_1 by assumption. f_equal.
  clear E. induction H; simpl; [reflexivity|]. now rewrite map2_lerp_1, IHForall2.
Qed.

Lemma quiet_not_nil head live v w : quiet head live v w -> v <> [] /\ w <> [].
Proof. destruct 1; split; discriminate. Qed.
Theorem quiet_outputs head live v w a t : quiet head live v w -> forall h hv hw, agree live h hv -> agree live h hw ->
  outputs a (lerp_network t v w) h = map2 (lerp t) (outputs a v hv) (outputs a w hw) /\
  length (outputs a v hv) = length (outputs a w hw) /\ (head = false -> outputs a v hv = outputs a w hw).
Proof.
  induction 1 as [live l m H E|live out l m v w Q IH L]; intros h hv hw A B.
  - cbn [lerp_network map2 outputs]. destruct (heard_affine t H A B) as [-> len]. repeat split; try assumption.
    intro F. specialize (E F). subst m. destruct (heard_affine 0 H A B) as [E0 _]. destruct (heard_affine 1 H A B) as [E1 _].
    rewrite lerp_layer_same in E0, E1. rewrite map2_lerp_0 in E0 by assumption. rewrite map2_lerp_1 in E1 by assumption. congruence.
  - destruct (quiet_affine t L A B) as [A' B']. pose proof (quiet_not_nil Q) as [N1 N2].
    destruct v as [|l' v]; [easy|]. destruct w as [|m' w]; [easy|].
    apply (IH (map (sigma a) (affine (lerp_layer t l m) h)) (map (sigma a) (affine l hv)) (map (sigma a) (affine m hw)));
      now apply agree_map.
Qed.

(** Columns that nobody hears are 0, so that their rows' norms do not matter. *)
Fixpoint zero_off (live : list bool) (u : list R) : Prop :=
  match live, u with _, [] => True | b :: l, x :: u' => (b = false -> x = 0) /\ zero_off l u' | [], _ :: _ => False end.
Lemma covers_zero_off live r q : covers live r q -> zero_off live (map Rabs r) /\ zero_off live (map Rabs q).
Proof.
  revert r q; induction live as [|b l IH]; intros [|a r] [|c q]; simpl; try easy. intros [A B]. destruct (IH _ _ B) as [C D].
  repeat split; try assumption; intro E; destruct (A E) as [-> ->]; apply Rabs_R0.
Qed.
Lemma zero_off_vadd live u v : zero_off live u -> zero_off live v -> zero_off live (vadd u v).
Proof.
  revert u v; induction live as [|b l IH]; intros [|x u] [|y v]; simpl; try easy. intros [A B] [C D]. split; auto.
  intro E. rewrite A, C by assumption. ring.
Qed.
Lemma heard_columns live l m : heard_layer live l m ->
  zero_off live (column_norms1 (weight l)) /\ zero_off live (column_norms1 (weight m)).
Proof.
  destruct l as [W b], m as [V c]. unfold heard_layer; simpl. revert b V c.
  induction W as [|r W IH]; intros [|x b] [|q V] [|y c]; simpl; try easy.
  - destruct live; easy.
  - intros [A B]. destruct (IH _ _ _ B). destruct (covers_zero_off A). split; now apply zero_off_vadd.
Qed.
Lemma covers_zero live r q : covers live r q -> zero_off live r /\ zero_off live q.
Proof.
  revert r q; induction live as [|b l IH]; intros [|a r] [|c q]; simpl; try easy. intros [A B]. destruct (IH _ _ B) as [C D].
  repeat split; try assumption; intro E; now destruct (A E) as [-> ->].
Qed.
Lemma zero_off_attach live r C : zero_off live r -> zero_off live (map norm C) -> zero_off live (map norm (attach r C)).
Proof.
  revert r C; induction live as [|b l IH]; intros [|x r] [|c C]; simpl; try easy; intros [A B].
  - intros _. split; [|apply (IH r []); [assumption | now destruct l]]. intro E. rewrite (A E). unfold norm. rewrite dot_cons, dot_nil_l, Rmult_0_l, Rplus_0_r. apply sqrt_0.
  - intros [D G]. split; [|now apply IH]. intro E. rewrite <- (D E), (A E). unfold norm. rewrite dot_cons. f_equal. ring.
Qed.
Lemma heard_column_norms live l m : heard_layer live l m ->
  zero_off live (map norm (columns (weight l))) /\ zero_off live (map norm (columns (weight m))).
Proof.
  destruct l as [W b], m as [V c]. unfold heard_layer; simpl. revert b V c.
  induction W as [|r W IH]; intros [|x b] [|q V] [|y c]; simpl; try easy.
  - destruct live; easy.
  - intros [A B]. destruct (IH _ _ _ B). destruct (covers_zero A). split; now apply zero_off_attach.
Qed.
Lemma quiet_norms out live l m : quiet_layer out live l m ->
  agree out (map norm (extended_rows l)) (map norm (extended_rows m)).
Proof.
  destruct l as [W b], m as [V c]. unfold quiet_layer, extended_rows; simpl. revert W b V c.
  induction out as [|o out IH]; intros [|r W] [|x b] [|q V] [|y c]; simpl; try easy.
  intros [A B]. split; [|now apply IH]. intro E. destruct (A E) as (-> & -> & _). reflexivity.
Qed.
Lemma dot_zero_off live u h h' : zero_off live u -> agree live h h' -> dot h u = dot h' u.
Proof.
  revert u h h'; induction live as [|b l IH]; intros [|x u] h h'; simpl; try easy; rewrite ?dot_nil_r; try easy.
  intros [A B]. destruct h as [|y h], h' as [|z h']; simpl; try easy. intros [C D].
  rewrite !dot_cons, (IH u h h' B D). destruct b; [now rewrite C | rewrite A by reflexivity; ring].
Qed.
Lemma excess_term da db : da = 0 \/ db = 0 -> Rmax 0 (- (da * db)) / 4 = 0.
Proof.
  intros [-> | ->]; rewrite ?Rmult_0_l, ?Rmult_0_r, Ropp_0; unfold Rmax; destruct (Rle_dec 0 0); lra.
Qed.
Lemma excess_zero live a a' b b' : agree live a a' -> zero_off live b -> zero_off live b' -> excess a a' b b' = 0.
Proof.
  unfold excess. revert a a' b b'; induction live as [|o l IH]; intros [|x a] [|x' a'] [|y b] [|y' b']; simpl; try easy.
  intros [A A'] [B B'] [C C']. rewrite sum_cons, (IH _ _ _ _ A' B' C'), excess_term; [ring|].
  destruct o; [left; rewrite A by reflexivity; ring | right; rewrite B, C by reflexivity; ring].
Qed.

(** The penalties that the format defines for one hidden layer only. *)
Definition fits_depth (q : penalty) (v : network R) : Prop :=
  match q with PathNorm | WeightDecay | Balanced => length v = 2%nat | _ => True end.

Lemma quiet_two head live v w : quiet head live v w -> length v = 2%nat -> exists out l l' m m',
  v = [l; l'] /\ w = [m; m'] /\ quiet_layer out live l m /\ heard_layer out l' m' /\ (head = false -> l' = m').
Proof.
  destruct 1 as [| live out l m v w Q L]; [discriminate|].
  destruct Q as [out l' m' H E | out out' l' m' v w Q L']; intro N.
  - now exists out, l, l', m, m'.
  - pose proof (quiet_not_nil Q) as [N1 _]. destruct v; [easy | discriminate].
Qed.
Lemma quiet_excess head live v w q : quiet head live v w -> fits_depth q v -> penalty_excess q v w = 0.
Proof.
  intros Q D. destruct q; try reflexivity.
  - destruct (quiet_two Q D) as (out & l & l' & m & m' & -> & -> & L & H & _).
    cbn. apply excess_zero with out; [now apply quiet_norms with live | now apply (heard_columns H) | now apply (heard_columns H)].
  - destruct (quiet_two Q D) as (out & l & l' & m & m' & -> & -> & L & H & _).
    cbn. apply excess_zero with out; [now apply quiet_norms with live | now apply (heard_column_norms H) | now apply (heard_column_norms H)].
Qed.
Lemma quiet_last_layer live v w : quiet false live v w -> last v empty_layer = last w empty_layer.
Proof.
  induction 1 as [live l m H E | live out l m v w Q IH L]; [simpl; auto|].
  pose proof (quiet_not_nil Q) as [N1 N2]. destruct v, w; easy.
Qed.
Definition reads_rows (q : penalty) : bool := match q with WeightDecay => true | _ => false end.
Lemma idle_penalty live v w q priced : quiet false live v w -> fits_depth q v -> reads_rows q = false ->
  penalty_value q priced v = penalty_value q priced w.
Proof.
  intros Q D N. pose proof (quiet_last_layer Q) as E. destruct q; try discriminate; cbn [penalty_value]; unfold bias_price;
    rewrite <- ?E; try reflexivity; [f_equal|]; destruct (quiet_two Q D) as (out & l & l' & m & m' & -> & -> & L & H & E'); cbn;
    (apply dot_zero_off with out; [| now apply quiet_norms with live]).
  - apply (heard_columns H).
  - apply (heard_column_norms H).
Qed.

Theorem quiet_convex head live v w P t : proper P -> within t -> same_shape v w -> fits_depth (penalty_of P) v ->
  quiet head live v w -> F P (lerp_network t v w) <= lerp t (F P v) (F P w).
Proof.
  intros HP W S D Q. apply F_convex; try assumption.
  - intro x. destruct (quiet_outputs (slope P) t Q (agree_refl live x) (agree_refl live x)) as (A & B & _). now split.
  - pose proof (penalty_chord (penalty_of P) (bias_priced P) W S) as C. rewrite (quiet_excess Q D) in C. lra.
Qed.
Theorem idle_constant live v w P : fits_depth (penalty_of P) v -> reads_rows (penalty_of P) = false ->
  quiet false live v w -> F P v = F P w.
Proof.
  intros D N Q. unfold F. rewrite (idle_penalty (bias_priced P) Q D N). do 2 f_equal. apply map_ext. intro j. unfold sample_loss.
  f_equal. now apply (quiet_outputs (slope P) 0 Q (agree_refl live (input j)) (agree_refl live (input j))).
Qed.

(** ** Transfer moves *)
(** Each row of the receiving layer has, together with the incoming rows of its neurons, the same pairs before and after; and so have its columns. *)
Definition same_pairs (l : layer R) (r q : list R) : Prop :=
  length r = length (extended_rows l) /\ length q = length (extended_rows l) /\
  Permutation (combine (extended_rows l) r) (combine (extended_rows l) q).
Inductive transferred : network R -> network R -> Prop :=
| transferred_here l l' m' rest : Forall2 (same_pairs l) (weight l') (weight m') -> bias l' = bias m' ->
    Permutation (combine (extended_rows l) (columns (weight l'))) (combine (extended_rows l) (columns (weight m'))) ->
    transferred (l :: l' :: rest) (l :: m' :: rest)
| transferred_next l v w : transferred v w -> transferred (l :: v) (l :: w).

Lemma sum_permutation u v : Permutation u v -> sum u = sum v.
Proof. induction 1; rewrite ?sum_cons in *; try lra. Qed.
Definition pair_sum {T U} (g : T -> R) (k : U -> R) (z : list (T * U)) : R := sum (map (fun e => k (snd e) * g (fst e)) z).
Lemma pair_sum_dot {T U} (g : T -> R) (k : U -> R) E r : dot (map k r) (map g E) = pair_sum g k (combine E r).
Proof.
  unfold pair_sum. revert r; induction E as [|e E IH]; intros [|x r]; simpl; rewrite ?dot_nil_r, ?dot_nil_l; try reflexivity.
  rewrite dot_cons, sum_cons, IH. reflexivity.
Qed.
Lemma same_pairs_dot l r q (g : list R -> R) k : same_pairs l r q ->
  dot (map k r) (map g (extended_rows l)) = dot (map k q) (map g (extended_rows l)).
Proof. intros (_ & _ & H). rewrite !pair_sum_dot. unfold pair_sum. apply sum_permutation. now apply Permutation_map. Qed.
Definition neuron (x e : list R) : R := match e with b :: w => dot w x + b | [] => 0 end.
Lemma affine_neuron l x : affine l x = map (neuron x) (extended_rows l).
Proof.
  destruct l as [W b]. unfold affine, extended_rows; simpl. revert b; induction W; destruct b; simpl; try reflexivity. now rewrite IHW.
Qed.
Lemma same_pairs_affine a t l l' m' x : Forall2 (same_pairs l) (weight l') (weight m') -> bias l' = bias m' ->
  let h := map (sigma a) (affine l x) in
  affine (lerp_layer t l' m') h = affine l' h /\ affine m' h = affine l' h.
Proof.
  intros H E. rewrite (affine_neuron l x), map_map. revert H E. destruct l' as [W b], m' as [V c].
  unfold affine, lerp_layer; simpl. intros H <-. rewrite map2_lerp_same. revert b.
  induction H as [|r q W V H H' IH]; intros [|y b]; simpl; try (split; reflexivity).
  pose proof (same_pairs_dot (fun e => sigma a (neuron x e)) (fun z => z) H) as E. rewrite !map_id in E.
  destruct (IH b) as [-> ->]. split; f_equal; [|now rewrite <- E].
  rewrite dot_comm, dot_lerp_r by (destruct H as (-> & -> & _); reflexivity).
  rewrite (dot_comm _ q), <- E, dot_comm, lerp_same. reflexivity.
Qed.
Lemma outputs_first a l m rest h : affine l h = affine m h -> outputs a (l :: rest) h = outputs a (m :: rest) h.
Proof. intro E. destruct rest; simpl; now rewrite E. Qed.
Lemma outputs_next a l v x : v <> [] -> outputs a (l :: v) x = outputs a v (map (sigma a) (affine l x)).
Proof. now destruct v. Qed.
Lemma transferred_not_nil v w : transferred v w -> v <> [] /\ w <> [].
Proof. destruct 1; split; discriminate. Qed.
Theorem transferred_outputs a t v w x : transferred v w ->
  outputs a (lerp_network t v w) x = outputs a v x /\ outputs a w x = outputs a v x.
Proof.
  intro H. revert x. induction H as [l l' m' rest H E _ | l v w H IH]; intro x.
  - cbn [lerp_network map2]. rewrite lerp_layer_same. fold (lerp_network t rest rest). rewrite lerp_network_same.
    rewrite (@outputs_next a l (lerp_layer t l' m' :: rest)), (@outputs_next a l (l' :: rest)), (@outputs_next a l (m' :: rest)) by discriminate.
    destruct (same_pairs_affine a t x H E) as [A B].
    split; now apply outputs_first.
  - cbn [lerp_network map2]. fold (lerp_network t v w). rewrite lerp_layer_same.
    pose proof (transferred_not_nil H) as [N1 N2].
    rewrite (@outputs_next a l v), (@outputs_next a l w), (@outputs_next a l (lerp_network t v w)); try assumption; [now apply IH|].
    destruct v; [easy|]. destruct w; [easy|]. discriminate.
Qed.

Lemma same_pairs_norm1 l r q : same_pairs l r q -> norm1 r = norm1 q.
Proof.
  intro H. pose proof (same_pairs_dot (fun _ => 1) Rabs H) as E. destruct H as (A & B & _).
  assert (ones : forall (u : list R) (e : list (list R)), length u = length e -> dot (map Rabs u) (map (fun _ => 1) e) = norm1 u).
  { induction u as [|y u IH]; destruct e; try discriminate; intro L; [reflexivity|]. injection L as L. simpl. unfold norm1; simpl.
    rewrite dot_cons, sum_cons, IH by assumption. unfold norm1. ring. }
  now rewrite !ones in E.
Qed.
Lemma dot_vadd n u v : length u = length n -> length v = length n -> dot n (vadd u v) = dot n u + dot n v.
Proof.
  revert u v; induction n as [|a n IH]; intros [|x u] [|y v]; try discriminate; intros A B; [unfold dot, sum; simpl; ring|].
  simpl. rewrite !dot_cons, IH by (simpl in *; lia). ring.
Qed.
Lemma column_norms1_dot n W : Forall (fun row => length row = length n) W ->
  dot n (column_norms1 W) = sum (map (fun row => dot n (map Rabs row)) W) /\ (W = [] \/ length (column_norms1 W) = length n).
Proof.
  induction 1 as [|row W L H [IH IL]]; simpl; [rewrite dot_nil_r; auto|]. rewrite sum_cons, <- IH.
  destruct IL as [-> | IL].
  - simpl. rewrite dot_nil_r. replace (vadd (map Rabs row) []) with (map Rabs row) by now destruct (map Rabs row). rewrite map_length. split; [ring | now right].
  - rewrite dot_vadd by (rewrite ?map_length; assumption). split; [reflexivity | right].
    assert (M : length (map Rabs row) = length (column_norms1 W)) by (now rewrite map_length, L, IL). rewrite <- IL. clear - M. revert M.
    generalize (map Rabs row) (column_norms1 W). intro a; induction a; intros [|y c]; try discriminate; simpl; auto.
Qed.
Lemma same_pairs_columns l W V : Forall2 (same_pairs l) W V ->
  dot (map norm (extended_rows l)) (column_norms1 W) = dot (map norm (extended_rows l)) (column_norms1 V) /\
  (W = [] \/ length (column_norms1 W) = length (extended_rows l)) /\ (V = [] \/ length (column_norms1 V) = length (extended_rows l)).
Proof.
  induction 1 as [|r q W V H H' IH]; [auto|]. destruct IH as (E & N & N').
  pose proof (same_pairs_dot norm Rabs H) as D. destruct H as (A & B & _). simpl.
  assert (one : forall u U, length u = length (extended_rows l) -> (U = [] \/ length (column_norms1 U) = length (extended_rows l)) ->
    dot (map norm (extended_rows l)) (vadd (map Rabs u) (column_norms1 U))
      = dot (map Rabs u) (map norm (extended_rows l)) + dot (map norm (extended_rows l)) (column_norms1 U) /\
    length (vadd (map Rabs u) (column_norms1 U)) = length (extended_rows l)).
  { intros u U L [-> | M].
    - simpl. rewrite dot_nil_r. replace (vadd (map Rabs u) []) with (map Rabs u) by (now destruct (map Rabs u)).
      rewrite map_length. split; [rewrite dot_comm; ring | assumption].
    - rewrite dot_vadd by (rewrite ?map_length; assumption). split; [rewrite (dot_comm (map Rabs u)); ring|].
      assert (length (map Rabs u) = length (column_norms1 U)) as K by (now rewrite map_length, L, M).
      rewrite <- M. clear - K. revert K. generalize (map Rabs u). generalize (column_norms1 U).
      intro c. induction c as [|y c IHc]; intros [|z e]; try discriminate; simpl; auto. }
  destruct (one r W A N) as [-> L1]. destruct (one q V B N') as [-> L2]. rewrite D, E. auto.
Qed.
Lemma transferred_excess v w q : transferred v w -> fits_depth q v -> penalty_excess q v w = 0.
Proof.
  intros H D. assert (hd empty_layer v = hd empty_layer w) as E by (destruct H; reflexivity).
  destruct q; try reflexivity; unfold penalty_excess, excess; rewrite <- E; generalize (map norm (extended_rows (hd empty_layer v)));
    match goal with |- context [map2 Rminus ?x ?y] => generalize (map2 Rminus x y) end;
    (intros d n; revert d; induction n as [|x n IH]; intros [|y d]; try reflexivity; simpl; rewrite sum_cons, IH, excess_term; [ring | left; ring]).
Qed.
Lemma transferred_penalty v w q priced : transferred v w -> fits_depth q v -> reads_rows q = false ->
  penalty_value q priced v = penalty_value q priced w.
Proof.
  intros H D N.
  assert (last_pairs : bias (last v empty_layer) = bias (last w empty_layer) /\
    (weight (last v empty_layer) = weight (last w empty_layer) \/
     exists l, Forall2 (same_pairs l) (weight (last v empty_layer)) (weight (last w empty_layer)))).
  { clear D. induction H as [l l' m' rest H E _ | l v w H IH].
    - destruct rest as [|l'' rest]; [simpl; eauto|]. simpl. destruct rest; auto.
    - pose proof (transferred_not_nil H) as [N1 N2]. destruct v, w; easy. }
  destruct last_pairs as [B L]. destruct q; try discriminate; cbn [penalty_value]; unfold bias_price; rewrite <- ?B; try reflexivity.
  - f_equal. destruct L as [-> | (l & L)]; [reflexivity|]. clear - L. induction L; simpl; [reflexivity|].
    rewrite !sum_cons, IHL. f_equal. now apply same_pairs_norm1 with l.
  - f_equal. destruct H as [l l' m' rest H E _ | l v w H].
    + destruct rest; [|discriminate]. simpl. now apply same_pairs_columns.
    + destruct H as [? ? ? rest | ? ? ? H]; [discriminate|]. pose proof (transferred_not_nil H) as [N1 N2]. destruct v; easy.
  - destruct H as [l l' m' rest _ _ H | l v w H].
    + destruct rest; [|discriminate]. simpl. rewrite (dot_comm _ (map norm (columns (weight l')))), (dot_comm _ (map norm (columns (weight m')))), !pair_sum_dot.
      unfold pair_sum. apply sum_permutation. now apply Permutation_map.
    + destruct H as [? ? ? rest | ? ? ? H]; [discriminate|]. pose proof (transferred_not_nil H) as [N1 N2]. destruct v; easy.
Qed.
Theorem transfer_convex v w P t : proper P -> within t -> same_shape v w -> fits_depth (penalty_of P) v ->
  transferred v w -> F P (lerp_network t v w) <= lerp t (F P v) (F P w).
Proof.
  intros HP W S D H. apply F_convex; try assumption.
  - intro x. destruct (@transferred_outputs (slope P) t v w x H) as [-> ->]. now rewrite map2_lerp_same.
  - pose proof (penalty_chord (penalty_of P) (bias_priced P) W S) as C. rewrite (transferred_excess H D) in C. lra.
Qed.
Theorem transfer_constant v w P : fits_depth (penalty_of P) v -> reads_rows (penalty_of P) = false ->
  transferred v w -> F P v = F P w.
Proof.
  intros D N H. unfold F. rewrite (transferred_penalty (bias_priced P) H D N). do 2 f_equal. apply map_ext. intro j. unfold sample_loss.
  f_equal. symmetry. now apply (@transferred_outputs (slope P) 0 v w).
Qed.
