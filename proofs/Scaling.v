(** * Scalings of neurons: curves on which the outputs stay, and balancing (docs/mathematics.md, sections 4 and 7) *)
From Coq Require Import Reals List ZArith Bool Lia Lra.
From Proofs Require Import Spec Convex Moves.
Import ListNotations.
Set Implicit Arguments.
Unset Strict Implicit.
Open Scope R_scope.

Lemma sigma_scale a x z : 0 <= x -> sigma a (x * z) = x * sigma a z.
Proof.
  intro X. unfold sigma. rewrite <- Rmult_assoc, (Rmult_comm a x), Rmult_assoc. unfold Rmax.
  destruct (Rle_dec z (a * z)), (Rle_dec (x * z) (x * (a * z))); try reflexivity; nra.
Qed.
Lemma dot_scale_l x r h : dot (map (Rmult x) r) h = x * dot r h.
Proof. revert h; induction r; destruct h; simpl; rewrite ?dot_nil_l, ?dot_nil_r, ?dot_cons, ?IHr; ring. Qed.
Lemma norm_scale x u : 0 <= x -> norm (map (Rmult x) u) = x * norm u.
Proof.
  intro X. unfold norm. replace (dot (map (Rmult x) u) (map (Rmult x) u)) with ((x * x) * dot u u).
  - rewrite sqrt_mult_alt by nra. now rewrite sqrt_square.
  - rewrite dot_scale_l, (dot_comm u (map (Rmult x) u)), dot_scale_l. ring.
Qed.
Lemma norm1_scale x u : 0 <= x -> norm1 (map (Rmult x) u) = x * norm1 u.
Proof. intro X. unfold norm1. induction u; simpl; [unfold sum; simpl; ring|]. rewrite !sum_cons, IHu, Rabs_mult, (Rabs_pos_eq x X). ring. Qed.

(** ** The rows and columns of a scaled network *)
Definition rescale_rows (a : list R) (E : list (list R)) : list (list R) := map2 (fun x e => map (Rmult x) e) a E.
Lemma extended_scaled a l : extended_rows (Layer (map2 (fun x r => map (Rmult x) r) a (weight l)) (map2 Rmult a (bias l))) = rescale_rows a (extended_rows l).
Proof.
  destruct l as [W b]. unfold extended_rows, rescale_rows; simpl. revert W b; induction a as [|x a IH]; intros [|r W] [|y b]; simpl; try reflexivity.
  now rewrite IH.
Qed.
Lemma attach_scaled b r C : length b = length r -> (C = [] \/ length b = length C) ->
  attach (map2 Rmult b r) (rescale_rows b C) = rescale_rows b (attach r C).
Proof.
  unfold rescale_rows. revert r C; induction b as [|y b IH]; intros [|x r] C L H; try discriminate; simpl.
  - destruct H as [->|H]; [reflexivity | destruct C; [reflexivity | discriminate]].
  - injection L as L. destruct C as [|c C]; simpl.
    + f_equal. rewrite <- (IH r []); auto. now destruct b.
    + f_equal. apply IH; [assumption|]. destruct H as [H|H]; [discriminate | right; now injection H].
Qed.
Lemma columns_scaled b W : Forall (fun r => length r = length b) W -> columns (map (map2 Rmult b) W) = rescale_rows b (columns W).
Proof.
  induction 1 as [|r W L H IH]; [simpl; unfold rescale_rows; now destruct b|]. simpl. fold (columns (map (map2 Rmult b) W)). fold (columns W).
  rewrite IH. apply attach_scaled; [now symmetry|]. destruct (columns_length H) as [->|Q]; auto.
Qed.
Lemma rescaled_norms a E : Forall (fun x => 0 <= x) a -> map norm (rescale_rows a E) = map2 Rmult a (map norm E).
Proof. unfold rescale_rows. intro H. revert E; induction H; intros [|e E]; simpl; try reflexivity. rewrite IHForall, norm_scale by assumption. reflexivity. Qed.

(** ** Outputs: factors that cancel, or act on nothing *)
Fixpoint neutral (a b : list R) (E : list (list R)) (r : list R) : Prop :=
  match a, b, E, r with
  | x :: a', y :: b', e :: E', z :: r' => 0 <= x /\ (x * y = 1 \/ z = 0 \/ norm e = 0) /\ neutral a' b' E' r'
  | [], [], [], [] => True
  | _, _, _, _ => False
  end.
Lemma norm_zero e : norm e = 0 -> Forall (fun x => x = 0) e.
Proof.
  intro N. assert (D : dot e e = 0) by (rewrite <- norm_square, N; ring). clear N. induction e as [|x e IH]; constructor.
  - rewrite dot_cons in D. pose proof (dot_self_nonneg e). nra.
  - apply IH. rewrite dot_cons in D. pose proof (dot_self_nonneg e). nra.
Qed.
Lemma neuron_zero x e : Forall (fun x => x = 0) e -> neuron x e = 0.
Proof.
  destruct 1 as [|b e -> H]; [reflexivity|]. simpl. rewrite Rplus_0_r. revert x; induction H as [|y e -> H IH]; intros [|z x]; rewrite ?dot_nil_l, ?dot_nil_r; try reflexivity.
  rewrite dot_cons, IH. ring.
Qed.
Lemma neuron_scale x k e : neuron x (map (Rmult k) e) = k * neuron x e.
Proof. destruct e; simpl; [ring|]. rewrite dot_scale_l. ring. Qed.
Lemma neutral_dot s x a b E r : neutral a b E r ->
  dot (map2 Rmult b r) (map (fun e => sigma s (neuron x e)) (rescale_rows a E)) = dot r (map (fun e => sigma s (neuron x e)) E).
Proof.
  unfold rescale_rows. revert b E r; induction a as [|k a IH]; intros [|y b] [|e E] [|z r]; simpl; try easy. intros (K & C & H).
  rewrite !dot_cons, IH by assumption. f_equal. rewrite neuron_scale, sigma_scale by assumption.
  destruct C as [C|[->|C]]; [|ring|].
  - replace (y * z * (k * sigma s (neuron x e))) with (k * y * (z * sigma s (neuron x e))) by ring. rewrite C. ring.
  - rewrite (neuron_zero x (norm_zero C)). unfold sigma. rewrite Rmult_0_r. unfold Rmax. destruct (Rle_dec 0 0); ring.
Qed.
Theorem scaled_outputs s a b l m x : Forall (neutral a b (extended_rows l)) (weight m) ->
  outputs s (scaled a b [l; m]) x = outputs s [l; m] x.
Proof.
  intro H. simpl. unfold affine at 1 3. rewrite !affine_neuron, !map_map, extended_scaled. cbn [weight bias]. generalize (bias m).
  induction H as [|r W N H IH]; intros [|y c]; simpl; try reflexivity. rewrite IH. f_equal. f_equal. now apply neutral_dot.
Qed.

(** ** Curves of scalings *)
Definition shallow (n : nat) (net : network R) : Prop :=
  match net with
  | [l; m] => length (weight l) = n /\ length (bias l) = n /\ Forall (fun r => length r = n) (weight m)
  | _ => False
  end.
Lemma shallow_rows n l m : shallow n [l; m] -> length (extended_rows l) = n.
Proof. intros (A & B & _). unfold extended_rows. rewrite map2_length. lia. Qed.
Lemma scaled_same a b n net : shallow n net -> length a = n -> length b = n -> same_shape (scaled a b net) net.
Proof.
  intros S A B. destruct net as [|l [|m [|? ?]]]; try easy. destruct S as (S1 & S2 & S3). constructor; [|constructor; [|constructor]].
  - split; simpl; [|rewrite map2_length; lia]. clear - A S1. revert a n A S1. induction (weight l) as [|r W IH]; intros [|x a] [|n] A S1; simpl in *; try discriminate; constructor.
    + now rewrite map_length.
    + apply (IH a n); lia.
  - split; simpl; [|reflexivity]. clear - B S3. induction S3; simpl; constructor; [|assumption]. rewrite map2_length. lia.
Qed.
Lemma curve_neutral c t n l m : Forall (fun x => 0 < x) c -> shallow n [l; m] -> length c = n ->
  Forall (neutral (map (fun x => Rpower x t) c) (map (fun x => / Rpower x t) c) (extended_rows l)) (weight m).
Proof.
  intros C S L. pose proof (shallow_rows S) as E. destruct S as (_ & _ & S). eapply Forall_impl; [|exact S]. intros r LR. simpl in LR.
  clear S. revert n r E LR L. generalize (extended_rows l). induction C as [|x c X C IH]; intros [|e E] n [|z r]; simpl; intros; subst; try easy.
  assert (0 < Rpower x t) by apply exp_pos. split; [lra|]. split; [left; apply Rinv_r; lra|]. apply (IH E (length E) r); lia.
Qed.

(** Sums over neurons. *)
Lemma map2_map_l {A B C D} (f : B -> C -> D) (g : A -> B) u v : map2 f (map g u) v = map2 (fun x y => f (g x) y) u v.
Proof. revert v; induction u; destruct v; simpl; try reflexivity. now rewrite IHu. Qed.
Lemma map2_map_r {A B C D} (f : A -> B -> D) (g : C -> B) u v : map2 f u (map g v) = map2 (fun x y => f x (g y)) u v.
Proof. revert v; induction u; destruct v; simpl; try reflexivity. now rewrite IHu. Qed.
Lemma sum_map2_convex {A} (f : R -> A -> R -> R) t (c : list A) (u : list R) : within t ->
  (forall x y, In y u -> f t x y <= lerp t (f 0 x y) (f 1 x y)) -> sum (map2 (f t) c u) <= lerp t (sum (map2 (f 0) c u)) (sum (map2 (f 1) c u)).
Proof.
  intros W. revert u; induction c as [|x c IH]; intros [|y u] H; simpl; try (unfold sum; simpl; rewrite lerp_0; apply Rle_refl).
  rewrite !sum_cons. pose proof (H x y (or_introl eq_refl)). specialize (IH u (fun x' y' I => H x' y' (or_intror I))). unfold lerp in *. lra.
Qed.
Lemma Rpower_convex x t : within t -> Rpower x t <= lerp t (Rpower x 0) (Rpower x 1).
Proof.
  intro W. unfold Rpower. pose proof (exp_convex (0 * ln x) (1 * ln x) W) as E. replace (lerp t (0 * ln x) (1 * ln x)) with (t * ln x) in E by (unfold lerp; ring). exact E.
Qed.
Lemma Rpower_inv_convex x t : within t -> / Rpower x t <= lerp t (/ Rpower x 0) (/ Rpower x 1).
Proof.
  intro W. unfold Rpower. rewrite <- !exp_Ropp. pose proof (exp_convex (- (0 * ln x)) (- (1 * ln x)) W) as E.
  replace (lerp t (- (0 * ln x)) (- (1 * ln x))) with (- (t * ln x)) in E by (unfold lerp; ring). exact E.
Qed.
Lemma Rpower_square_convex x t : within t -> Rpower x t * Rpower x t <= lerp t (Rpower x 0 * Rpower x 0) (Rpower x 1 * Rpower x 1).
Proof.
  intro W. unfold Rpower. rewrite <- !exp_plus. pose proof (exp_convex (0 * ln x + 0 * ln x) (1 * ln x + 1 * ln x) W) as E.
  replace (lerp t (0 * ln x + 0 * ln x) (1 * ln x + 1 * ln x)) with (t * ln x + t * ln x) in E by (unfold lerp; ring). exact E.
Qed.
Lemma Rpower_inv_square_convex x t : within t -> / Rpower x t * / Rpower x t <= lerp t (/ Rpower x 0 * / Rpower x 0) (/ Rpower x 1 * / Rpower x 1).
Proof.
  intro W. unfold Rpower. rewrite <- !exp_Ropp, <- !exp_plus. pose proof (exp_convex (- (0 * ln x) + - (0 * ln x)) (- (1 * ln x) + - (1 * ln x)) W) as E.
  replace (lerp t (- (0 * ln x) + - (0 * ln x)) (- (1 * ln x) + - (1 * ln x))) with (- (t * ln x) + - (t * ln x)) in E by (unfold lerp; ring). exact E.
Qed.
Lemma Rpower_0 x : Rpower x 0 = 1.
Proof. unfold Rpower. rewrite Rmult_0_l. apply exp_0. Qed.
Lemma scale_by_one c r : length c = length r -> map2 Rmult (map (fun x => / Rpower x 0) c) r = r.
Proof. revert r; induction c; intros [|y r] L; try discriminate; simpl; [reflexivity|]. rewrite Rpower_0, Rinv_1, Rmult_1_l. f_equal. apply IHc. now injection L. Qed.
Lemma map_one (r : list R) : map (Rmult 1) r = r.
Proof. induction r; simpl; [reflexivity|]. now rewrite IHr, Rmult_1_l. Qed.
Lemma rescaled_0 c n net : shallow n net -> length c = n -> rescaled c 0 net = net.
Proof.
  intros S L. destruct net as [|l [|m [|? ?]]]; try easy. destruct S as (S1 & S2 & S3). unfold rescaled, scaled. destruct l as [W b], m as [V d]. simpl in *. f_equal; [|f_equal]; f_equal.
  - clear S2 S3. revert n W S1 L. induction c as [|x c IH]; intros n [|r W] S1 L; simpl in *; try reflexivity; [subst; discriminate|]. rewrite Rpower_0, map_one. f_equal. apply (IH (length W)); lia.
  - clear S1 S3. revert n b S2 L. induction c as [|x c IH]; intros n [|y b] S2 L; simpl in *; try reflexivity; [subst; discriminate|]. rewrite Rpower_0, Rmult_1_l. f_equal. apply (IH (length b)); lia.
  - induction S3 as [|r V LR S3 IH]; simpl; [reflexivity|]. rewrite IH, scale_by_one by congruence. reflexivity.
Qed.

(** Products of the factors of a row and of a column. *)
Lemma cancelling_dot (c : list R) t u v : Forall (fun x => 0 < x) c -> length u = length c ->
  dot (map2 Rmult (map (fun x => Rpower x t) c) u) (map2 Rmult (map (fun x => / Rpower x t) c) v) = dot u v.
Proof.
  intro C. revert u v; induction C as [|x c X C IH]; intros [|y u] [|z v] L; try discriminate; simpl; rewrite ?dot_nil_l, ?dot_nil_r; try reflexivity.
  rewrite !dot_cons, IH by (injection L; auto). assert (0 < Rpower x t) by apply exp_pos. f_equal. field. lra.
Qed.
Lemma powers_nonneg c t : Forall (fun x => 0 <= x) (map (fun x => Rpower x t) c).
Proof. induction c; simpl; constructor; [left; apply exp_pos | assumption]. Qed.
Lemma inverse_powers_nonneg c t : Forall (fun x => 0 <= x) (map (fun x => / Rpower x t) c).
Proof. induction c; simpl; constructor; [left; apply Rinv_0_lt_compat, exp_pos | assumption]. Qed.
Lemma abs_scaled b r : Forall (fun x => 0 <= x) b -> map Rabs (map2 Rmult b r) = map2 Rmult b (map Rabs r).
Proof. intro H. revert r; induction H as [|x b X H IH]; intros [|y r]; simpl; try reflexivity. rewrite IH, Rabs_mult, (Rabs_pos_eq x X). reflexivity. Qed.
Lemma columns_count n net : shallow n net -> weight (last net empty_layer) = [] \/ length (columns (weight (last net empty_layer))) = n.
Proof. destruct net as [|l [|m [|? ?]]]; try easy. intros (_ & _ & S). now apply columns_length. Qed.

Lemma curve_penalty_constant q priced c t n v : q = PathNorm \/ q = Balanced -> Forall (fun x => 0 < x) c -> shallow n v -> length c = n ->
  penalty_value q priced (rescaled c t v) = penalty_value q priced v.
Proof.
  intros Q C S L. destruct v as [|l [|m [|? ?]]]; try easy. pose proof (shallow_rows S) as E. destruct S as (S1 & S2 & S3).
  destruct Q as [-> | ->]; cbn [penalty_value rescaled scaled last hd weight bias bias_price]; rewrite extended_scaled, rescaled_norms by apply powers_nonneg.
  - f_equal. set (a := map (fun x => Rpower x t) c). set (b := map (fun x => / Rpower x t) c).
    assert (LA : length (map2 Rmult a (map norm (extended_rows l))) = n) by (unfold a; rewrite map2_length, !map_length; lia).
    assert (R1 : Forall (fun r => length r = length (map2 Rmult a (map norm (extended_rows l)))) (map (map2 Rmult b) (weight m))).
    { rewrite LA. apply Forall_forall. intros r I. apply in_map_iff in I as (y & <- & I). rewrite Forall_forall in S3. unfold b. rewrite map2_length, map_length, (S3 y I). lia. }
    assert (R2 : Forall (fun r => length r = length (map norm (extended_rows l))) (weight m)).
    { eapply Forall_impl; [|exact S3]. intros r LR. simpl in LR. now rewrite map_length, E. }
    rewrite (proj1 (column_norms1_dot R1)), (proj1 (column_norms1_dot R2)).
    rewrite map_map. f_equal. apply map_ext_in. intros r I. unfold a, b. rewrite abs_scaled by apply inverse_powers_nonneg. apply cancelling_dot; [assumption|]. rewrite map_length. congruence.
  - rewrite columns_scaled.
    + rewrite rescaled_norms by apply inverse_powers_nonneg. apply cancelling_dot; [assumption|]. rewrite map_length. congruence.
    + eapply Forall_impl; [|exact S3]. intros r LR. simpl in LR. rewrite map_length. congruence.
Qed.
Lemma sum_rows_le (g h : list R -> R) W : Forall (fun r => g r <= h r) W -> sum (map g W) <= sum (map h W).
Proof. induction 1; simpl; [apply Rle_refl|]. rewrite !sum_cons. lra. Qed.
Lemma curve_penalty q priced c t n v : within t -> Forall (fun x => 0 < x) c -> shallow n v -> length c = n ->
  penalty_value q priced (rescaled c t v) <= lerp t (penalty_value q priced v) (penalty_value q priced (rescaled c 1 v)).
Proof.
  intros W C S L. rewrite <- (rescaled_0 S L) at 2. destruct v as [|l [|m [|? ?]]]; try easy.
  destruct q; try (rewrite !(curve_penalty_constant priced _ (or_introl eq_refl) C S L), lerp_same; apply Rle_refl);
    try (rewrite !(curve_penalty_constant priced _ (or_intror eq_refl) C S L), lerp_same; apply Rle_refl).
  - simpl. rewrite lerp_same. apply Rle_refl.
  - cbn [penalty_value rescaled scaled last hd weight bias bias_price]. rewrite !map_map.
    assert (rows : forall V, sum (map (fun r => norm1 (map2 Rmult (map (fun y => / Rpower y t) c) r)) V) <=
       lerp t (sum (map (fun r => norm1 (map2 Rmult (map (fun y => / Rpower y 0) c) r)) V)) (sum (map (fun r => norm1 (map2 Rmult (map (fun y => / Rpower y 1) c) r)) V))).
    { induction V as [|r V IH]; simpl; [rewrite lerp_same; apply Rle_refl|]. rewrite !sum_cons.
      assert (one : norm1 (map2 Rmult (map (fun y => / Rpower y t) c) r) <= lerp t (norm1 (map2 Rmult (map (fun y => / Rpower y 0) c) r)) (norm1 (map2 Rmult (map (fun y => / Rpower y 1) c) r))).
      { unfold norm1. rewrite !abs_scaled, !map2_map_l by apply inverse_powers_nonneg.
        apply (@sum_map2_convex R (fun t x y => / Rpower x t * y) t c (map Rabs r) W). intros x y I. apply in_map_iff in I as (z & <- & _).
        pose proof (Rpower_inv_convex x W). pose proof (Rabs_pos z). unfold lerp in *. nra. }
      unfold lerp in *. lra. }
    specialize (rows (weight m)). unfold bias_price. cbn [last bias]. unfold lerp in *. lra.
  - cbn [penalty_value rescaled scaled last hd weight bias bias_price]. rewrite !extended_scaled, !map_map. unfold rescale_rows.
    assert (rows : forall u, sum (map (fun r => dot r r) (map2 (fun y e => map (Rmult y) e) (map (fun x => Rpower x t) c) u)) <=
       lerp t (sum (map (fun r => dot r r) (map2 (fun y e => map (Rmult y) e) (map (fun x => Rpower x 0) c) u)))
              (sum (map (fun r => dot r r) (map2 (fun y e => map (Rmult y) e) (map (fun x => Rpower x 1) c) u)))).
    { intro u. revert u. clear S L. induction c as [|x d IH]; intros [|e u]; cbn [map map2]; try (unfold sum; simpl; rewrite lerp_same; apply Rle_refl).
      inversion_clear C as [|? ? _ C']. specialize (IH C' u). rewrite !sum_cons.
      assert (sq : forall k, dot (map (Rmult k) e) (map (Rmult k) e) = k * k * dot e e) by (intro k; rewrite dot_scale_l, (dot_comm e (map (Rmult k) e)), dot_scale_l; ring).
      rewrite !sq. pose proof (Rpower_square_convex x W). pose proof (dot_self_nonneg e). unfold lerp in *. nra. }
    assert (cols : forall V, sum (map (fun r => dot (map2 Rmult (map (fun y => / Rpower y t) c) r) (map2 Rmult (map (fun y => / Rpower y t) c) r)) V) <=
       lerp t (sum (map (fun r => dot (map2 Rmult (map (fun y => / Rpower y 0) c) r) (map2 Rmult (map (fun y => / Rpower y 0) c) r)) V))
              (sum (map (fun r => dot (map2 Rmult (map (fun y => / Rpower y 1) c) r) (map2 Rmult (map (fun y => / Rpower y 1) c) r)) V))).
    { induction V as [|r V IH]; simpl; [rewrite lerp_same; apply Rle_refl|]. rewrite !sum_cons.
      assert (one : dot (map2 Rmult (map (fun y => / Rpower y t) c) r) (map2 Rmult (map (fun y => / Rpower y t) c) r) <=
         lerp t (dot (map2 Rmult (map (fun y => / Rpower y 0) c) r) (map2 Rmult (map (fun y => / Rpower y 0) c) r))
                (dot (map2 Rmult (map (fun y => / Rpower y 1) c) r) (map2 Rmult (map (fun y => / Rpower y 1) c) r))).
      { clear - W. revert r. induction c as [|x d IH]; intros [|z u]; simpl; rewrite ?dot_nil_l; try (rewrite lerp_same; apply Rle_refl).
        rewrite !dot_cons. specialize (IH u). pose proof (Rpower_inv_square_convex x W). pose proof (Rle_0_sqr z) as Z. unfold Rsqr in Z.
        replace (/ Rpower x t * z * (/ Rpower x t * z)) with (/ Rpower x t * / Rpower x t * (z * z)) by ring.
        replace (/ Rpower x 0 * z * (/ Rpower x 0 * z)) with (/ Rpower x 0 * / Rpower x 0 * (z * z)) by ring.
        replace (/ Rpower x 1 * z * (/ Rpower x 1 * z)) with (/ Rpower x 1 * / Rpower x 1 * (z * z)) by ring. unfold lerp in *. nra. }
      unfold lerp in *. lra. }
    specialize (rows (extended_rows l)). specialize (cols (weight m)). unfold lerp in *. lra.
Qed.
Theorem curve_convex P c t n v : proper P -> within t -> Forall (fun x => 0 < x) c -> shallow n v -> length c = n ->
  F P (rescaled c t v) <= lerp t (F P v) (F P (rescaled c 1 v)).
Proof.
  intros HP W C S L. apply F_convex; try assumption; [|now apply curve_penalty with n]. intro x.
  assert (same : forall u, outputs (slope P) (rescaled c u v) x = outputs (slope P) v x).
  { intro u. destruct v as [|l [|m [|? ?]]]; try easy. apply scaled_outputs. now apply curve_neutral with n. }
  rewrite !same, map2_lerp_same. now split.
Qed.
