(** * Convexity: of the losses, of Euclidean norms, of the penalties but for products, whose excess over the chord is bounded
    (docs/mathematics.md, sections 1 and 2) *)
From Coq Require Import Reals List ZArith Bool Lia Lra.
From Proofs Require Import Spec.
Import ListNotations.
Set Implicit Arguments.
Open Scope R_scope.

Arguments sum : simpl never.
Arguments dot : simpl never.
Definition within (t : R) := 0 <= t <= 1.

(** ** Sums and dot products *)
Lemma sum_cons a u : sum (a :: u) = a + sum u. Proof. reflexivity. Qed.
Lemma dot_cons a u b v : dot (a :: u) (b :: v) = a * b + dot u v. Proof. reflexivity. Qed.
Lemma dot_nil_l v : dot [] v = 0. Proof. reflexivity. Qed.
Lemma dot_nil_r u : dot u [] = 0. Proof. now destruct u. Qed.
Lemma lerp_same t a : lerp t a a = a. Proof. unfold lerp; ring. Qed.
Lemma lerp_0 t : lerp t 0 0 = 0. Proof. apply lerp_same. Qed.
Lemma lerp_le t a b c d : within t -> a <= c -> b <= d -> lerp t a b <= lerp t c d.
Proof. unfold lerp, within; intros; nra. Qed.
Lemma lerp_max t a b c : within t -> a <= c -> b <= c -> lerp t a b <= c.
Proof. unfold lerp, within; intros; nra. Qed.
Lemma map2_lerp_same t u : map2 (lerp t) u u = u.
Proof. induction u; simpl; [reflexivity|]. now rewrite lerp_same, IHu. Qed.
Lemma map2_length {A B C} (f : A -> B -> C) u v : length (map2 f u v) = Nat.min (length u) (length v).
Proof. revert v; induction u; destruct v; simpl; auto. Qed.
Lemma sum_lerp t u v : length u = length v -> sum (map2 (lerp t) u v) = lerp t (sum u) (sum v).
Proof.
  revert v; induction u as [|a u IH]; destruct v as [|b v]; try discriminate; intro E; cbn [map2].
  - unfold sum; simpl; symmetry; apply lerp_0.
  - rewrite !sum_cons, IH by (simpl in E; lia). unfold lerp; ring.
Qed.
Lemma dot_lerp_r t h u v : length u = length v -> dot h (map2 (lerp t) u v) = lerp t (dot h u) (dot h v).
Proof.
  revert u v; induction h as [|a h IH]; intros [|b u] [|c v]; try discriminate; intro E; cbn [map2];
    rewrite ?dot_nil_l, ?dot_nil_r, ?lerp_0; try reflexivity.
  rewrite !dot_cons, IH by (simpl in E; lia). unfold lerp; ring.
Qed.
Lemma dot_comm u v : dot u v = dot v u.
Proof. revert v; induction u; destruct v; rewrite ?dot_nil_l, ?dot_nil_r; try reflexivity. rewrite !dot_cons, IHu. ring. Qed.
Lemma dot_opp_l u v : dot (map Ropp u) v = - dot u v.
Proof. revert v; induction u; destruct v; simpl; rewrite ?dot_nil_l, ?dot_nil_r, ?dot_cons, ?IHu; try ring; unfold dot, sum; simpl; ring. Qed.
Lemma dot_le h u v : Forall (fun x => 0 <= x) h -> Forall2 Rle u v -> dot h u <= dot h v.
Proof.
  intros P H; revert h P; induction H; intros [|a h] P; rewrite ?dot_nil_l, ?dot_nil_r; try lra.
  inversion_clear P. rewrite !dot_cons. specialize (IHForall2 _ H2). nra.
Qed.
Lemma sum_le u v : Forall2 Rle u v -> sum u <= sum v.
Proof. induction 1; rewrite ?sum_cons; [apply Rle_refl | lra]. Qed.

(** ** Means over samples *)
Lemma mean_le shares u v : Forall (fun x => 0 <= x) shares -> 0 < sum shares -> Forall2 Rle u v -> mean shares u <= mean shares v.
Proof.
  intros P S H. unfold mean, Rdiv. apply Rmult_le_compat_r; [left; now apply Rinv_0_lt_compat | now apply dot_le].
Qed.
Lemma mean_lerp t shares u v : length u = length v -> mean shares (map2 (lerp t) u v) = lerp t (mean shares u) (mean shares v).
Proof. intro E. unfold mean. rewrite dot_lerp_r by assumption. unfold lerp, Rdiv; ring. Qed.

(** ** Losses *)
Definition convex (g : R -> R) := forall t x y, within t -> g (lerp t x y) <= lerp t (g x) (g y).

Lemma exp_convex : convex exp.
Proof.
  intros t x y [A B]. unfold lerp. set (z := (1 - t) * x + t * y).
  assert (E : forall u, exp z * (1 + (u - z)) <= exp u).
  { intro u. replace (exp u) with (exp z * exp (u - z)) by (rewrite <- exp_plus; f_equal; ring).
    apply Rmult_le_compat_l; [left; apply exp_pos|]. destruct (Req_dec (u - z) 0) as [->|n].
    - rewrite exp_0; lra.
    - left. now apply exp_ineq1. }
  pose proof (E x). pose proof (E y). pose proof (exp_pos z). unfold z in *. nra.
Qed.
Lemma abs_convex : convex Rabs.
Proof. intros t x y [A B]. unfold lerp. unfold Rabs; repeat destruct Rcase_abs; nra. Qed.
Lemma square_convex : convex (fun x => x * x).
Proof. intros t x y [A B]. unfold lerp. 
  assert (0 <= t * (1 - t) * ((x - y) * (x - y))) by (apply Rmult_le_pos; [nra | apply Rle_0_sqr]).
  assert ((1 - t) * (x * x) + t * (y * y) - ((1 - t) * x + t * y) * ((1 - t) * x + t * y) = t * (1 - t) * ((x - y) * (x - y))) by ring.
  lra.
Qed.
Lemma max_convex c : convex (Rmax c).
Proof. intros t x y [A B]. unfold lerp, Rmax. repeat destruct Rle_dec; nra. Qed.
Lemma affine_convex g a b : convex g -> convex (fun x => g (a + b * x)).
Proof.
  intros C t x y W. replace (a + b * lerp t x y) with (lerp t (a + b * x) (a + b * y)) by (unfold lerp; ring). now apply C.
Qed.
Lemma convex_ext g h : (forall x, h x = g x) -> convex g -> convex h.
Proof. intros E C t x y W. rewrite !E. now apply C. Qed.

(** Huber's function is the largest of its tangents. *)
Lemma huber_above d x u : 0 < d -> - d <= u <= d -> u * x - u * u / 2 <= huber d x.
Proof.
  intros P Q. unfold huber. destruct (Rle_dec (Rabs x) d) as [H|H].
  - pose proof (Rle_0_sqr (x - u)) as N. unfold Rsqr in N. lra.
  - apply Rnot_le_lt in H. unfold Rabs in *; destruct (Rcase_abs x).
    + assert (0 <= (d + u) * (- x - (d - u) / 2)) by (apply Rmult_le_pos; lra). lra.
    + assert (0 <= (d - u) * (x - (d + u) / 2)) by (apply Rmult_le_pos; lra). lra.
Qed.
Lemma huber_touches d x : 0 < d -> exists u, - d <= u <= d /\ huber d x = u * x - u * u / 2.
Proof.
  intro P. unfold huber. destruct (Rle_dec (Rabs x) d) as [H|H].
  - exists x. split; [|lra]. unfold Rabs in H; destruct (Rcase_abs x); lra.
  - apply Rnot_le_lt in H. unfold Rabs in *. destruct (Rcase_abs x); [exists (- d) | exists d]; split; lra.
Qed.
Lemma huber_convex d : 0 < d -> convex (huber d).
Proof.
  intros P t x y [A B]. destruct (huber_touches (lerp t x y) P) as (u & Q & ->).
  pose proof (huber_above x P Q). pose proof (huber_above y P Q). unfold lerp in *. nra.
Qed.

Definition lse (u : list R) : R := ln (sum (map exp u)).
Lemma sum_exp_nonneg u : 0 <= sum (map exp u).
Proof. induction u; simpl; [apply Rle_refl|]. rewrite sum_cons. pose proof (exp_pos a). lra. Qed.
Lemma sum_exp_pos a u : 0 < sum (map exp (a :: u)).
Proof. simpl. rewrite sum_cons. pose proof (exp_pos a). pose proof (sum_exp_nonneg u). lra. Qed.
Lemma sum_exp_shift c u : sum (map exp (map (fun x => x - c) u)) = sum (map exp u) * exp (- c).
Proof.
  induction u; simpl; [unfold sum; simpl; ring|]. rewrite !sum_cons, IHu. unfold Rminus. rewrite exp_plus. ring.
Qed.
Lemma lse_shift c u : u <> [] -> lse u = c + lse (map (fun x => x - c) u).
Proof.
  intro N. destruct u as [|a u]; [easy|]. unfold lse. rewrite sum_exp_shift, ln_mult, ln_exp; [ring | apply sum_exp_pos | apply exp_pos].
Qed.
Lemma ln_le' x y : 0 < x -> x <= y -> ln x <= ln y.
Proof. intros P [H| ->]; [left; now apply ln_increasing | right; reflexivity]. Qed.
Lemma lse_convex t u v : within t -> length u = length v -> lse (map2 (lerp t) u v) <= lerp t (lse u) (lse v).
Proof.
  intros W E. destruct u as [|a u], v as [|b v]; try discriminate.
  - simpl. rewrite lerp_same. apply Rle_refl.
  - set (x := a :: u) in *. set (y := b :: v) in *. set (c := lerp t (lse x) (lse y)).
    assert (Nx : sum (map exp (map (fun z => z - lse x) x)) = 1).
    { rewrite sum_exp_shift. unfold lse. rewrite exp_Ropp, exp_ln by apply sum_exp_pos. apply Rinv_r. apply Rgt_not_eq, sum_exp_pos. }
    assert (Ny : sum (map exp (map (fun z => z - lse y) y)) = 1).
    { rewrite sum_exp_shift. unfold lse. rewrite exp_Ropp, exp_ln by apply sum_exp_pos. apply Rinv_r. apply Rgt_not_eq, sum_exp_pos. }
    assert (N : map2 (lerp t) x y <> []) by discriminate.
    rewrite (lse_shift c N). enough (lse (map (fun z => z - c) (map2 (lerp t) x y)) <= 0) by lra.
    unfold lse. rewrite <- ln_1. apply ln_le'; [apply sum_exp_pos|].
    apply Rle_trans with (lerp t (sum (map exp (map (fun z => z - lse x) x))) (sum (map exp (map (fun z => z - lse y) y)))).
    2: rewrite Nx, Ny, lerp_same; apply Rle_refl.
    clear Nx Ny N. unfold c. generalize (lse x) (lse y). intros p q. clear c. clearbody x y. revert y E.
    induction x as [|z x IH]; destruct y as [|z' y]; try discriminate; intro E; simpl.
    + unfold sum; simpl. rewrite lerp_0. apply Rle_refl.
    + rewrite !sum_cons. injection E as E. specialize (IH _ E).
      replace (lerp t z z' - lerp t p q) with (lerp t (z - p) (z' - q)) by (unfold lerp; ring).
      pose proof (exp_convex (z - p) (z' - q) W). unfold lerp in *. lra.
Qed.
Lemma softplus_lse z : ln (1 + exp z) = lse [0; z].
Proof. unfold lse, sum. simpl. rewrite exp_0. f_equal. ring. Qed.
Lemma softplus_convex : convex (fun z => ln (1 + exp z)).
Proof.
  intros t x y W. rewrite !softplus_lse. replace [0; lerp t x y] with (map2 (lerp t) [0; x] [0; y]).
  - now apply lse_convex.
  - simpl. now rewrite lerp_same.
Qed.

Lemma separable_convex (g : R -> R -> R) t y u v : within t -> (forall a, convex (g a)) -> length u = length v ->
  sum (map2 g y (map2 (lerp t) u v)) <= lerp t (sum (map2 g y u)) (sum (map2 g y v)).
Proof.
  intros W C. revert u v. induction y as [|a y IH]; intros [|b u] [|c v] E; try discriminate; cbn [map2];
    try (unfold sum; simpl; rewrite lerp_0; apply Rle_refl).
  rewrite !sum_cons. injection E as E. specialize (IH _ _ E). pose proof (C a _ b c W). unfold lerp in *. lra.
Qed.
Lemma nth_lerp t k u v : length u = length v -> nth k (map2 (lerp t) u v) 0 = lerp t (nth k u 0) (nth k v 0).
Proof.
  revert k v; induction u as [|a u IH]; destruct v as [|b v]; try discriminate; intro E; destruct k; simpl;
    rewrite ?lerp_0; try reflexivity. apply IH. now injection E.
Qed.

Definition proper_loss (o : loss R) : Prop := match o with Huber d => 0 < d | _ => True end.
Theorem loss_convex o y k t u v : proper_loss o -> within t -> length u = length v ->
  loss_value o y k (map2 (lerp t) u v) <= lerp t (loss_value o y k u) (loss_value o y k v).
Proof.
  intros P W E. destruct o; simpl in *; try (apply separable_convex; [assumption | intro a | assumption]).
  - apply convex_ext with (g := fun x => ln (1 + exp (0 + (- a) * x))).
    + intro x. do 3 f_equal. ring.
    + apply affine_convex with (g := fun z => ln (1 + exp z)). apply softplus_convex.
  - apply convex_ext with (g := fun x => Rmax 0 (1 + (- a) * x)).
    + intro x. f_equal. ring.
    + apply affine_convex. apply max_convex.
  - rewrite nth_lerp by assumption. pose proof (lse_convex u v W E). unfold lse, lerp in *. lra.
  - apply convex_ext with (g := fun x => (- a + 1 * x) * (- a + 1 * x)).
    + intro x. ring.
    + apply affine_convex with (g := fun x => x * x). apply square_convex.
  - apply convex_ext with (g := fun x => Rabs (- a + 1 * x)).
    + intro x. f_equal. ring.
    + apply affine_convex. apply abs_convex.
  - apply convex_ext with (g := fun x => huber delta (- a + 1 * x)).
    + intro x. f_equal. ring.
    + apply affine_convex. now apply huber_convex.
Qed.

(** ** Norms *)
Lemma dot_self_nonneg u : 0 <= dot u u.
Proof. induction u; rewrite ?dot_nil_l, ?dot_cons; nra. Qed.
Lemma norm_nonneg u : 0 <= norm u.
Proof. apply sqrt_pos. Qed.
Lemma norm_square u : norm u * norm u = dot u u.
Proof. apply sqrt_sqrt. apply dot_self_nonneg. Qed.
Lemma le_of_squares x y : 0 <= y -> x * x <= y * y -> x <= y.
Proof. intros. apply Rsqr_incr_0_var; assumption. Qed.
Theorem norm_convex t u v : within t -> length u = length v -> norm (map2 (lerp t) u v) <= lerp t (norm u) (norm v).
Proof.
  intros W. revert v. induction u as [|a u IH]; destruct v as [|b v]; try discriminate; intro E.
  - simpl. rewrite lerp_same. apply Rle_refl.
  - injection E as E. specialize (IH _ E). cbn [map2]. destruct W as [W1 W2].
    pose proof (norm_nonneg (a :: u)). pose proof (norm_nonneg (b :: v)).
    pose proof (norm_nonneg u). pose proof (norm_nonneg v). pose proof (norm_nonneg (map2 (lerp t) u v)).
    pose proof (norm_square (a :: u)) as X. pose proof (norm_square (b :: v)) as Y.
    pose proof (norm_square (lerp t a b :: map2 (lerp t) u v)) as Z. rewrite dot_cons, <- norm_square in X, Y, Z.
    set (n := norm u) in *. set (m := norm v) in *. set (k := norm (map2 (lerp t) u v)) in *.
    set (x := norm (a :: u)) in *. set (y := norm (b :: v)) in *.
    set (z := norm (lerp t a b :: map2 (lerp t) u v)) in *.
    assert (cauchy : a * b + n * m <= x * y).
    { apply le_of_squares; [now apply Rmult_le_pos|].
      replace (x * y * (x * y)) with ((a * a + n * n) * (b * b + m * m)) by (rewrite <- X, <- Y; ring).
      pose proof (Rle_0_sqr (a * m - b * n)) as N. unfold Rsqr in N. lra. }
    assert (K : k * k <= lerp t n m * lerp t n m) by (apply Rmult_le_compat; assumption).
    apply le_of_squares; [unfold lerp; apply Rplus_le_le_0_compat; apply Rmult_le_pos; lra|]. rewrite Z. unfold lerp in *.
    assert (0 <= t * (1 - t) * (x * y - (a * b + n * m))) by (apply Rmult_le_pos; [apply Rmult_le_pos; lra | lra]). nra.
Qed.

(** ** Shapes *)
Definition same_rows (W V : list (list R)) := Forall2 (fun r q : list R => length r = length q) W V.
Definition same_layer (l m : layer R) := same_rows (weight l) (weight m) /\ length (bias l) = length (bias m).
Definition same_shape (v w : network R) := Forall2 same_layer v w.

Lemma same_rows_length W V : same_rows W V -> length W = length V.
Proof. induction 1; simpl; auto. Qed.
Lemma last_lerp t v w : same_shape v w ->
  last (lerp_network t v w) empty_layer = lerp_layer t (last v empty_layer) (last w empty_layer).
Proof.
  induction 1 as [|l m v w H H' IH]; [reflexivity|]. destruct H' as [|l' m' v w]; [reflexivity|].
  change (last (lerp_network t (l' :: v) (m' :: w)) empty_layer
          = lerp_layer t (last (l' :: v) empty_layer) (last (m' :: w) empty_layer)). exact IH.
Qed.
Lemma same_last v w : same_shape v w -> same_layer (last v empty_layer) (last w empty_layer).
Proof.
  induction 1 as [|l m v w H H' IH]; [split; [constructor|reflexivity]|]. destruct H'; [exact H | exact IH].
Qed.
Lemma hd_lerp t v w : same_shape v w ->
  hd empty_layer (lerp_network t v w) = lerp_layer t (hd empty_layer v) (hd empty_layer w).
Proof. destruct 1; reflexivity. Qed.
Lemma same_hd v w : same_shape v w -> same_layer (hd empty_layer v) (hd empty_layer w).
Proof. destruct 1; [split; [constructor|reflexivity] | assumption]. Qed.

Lemma extended_lerp t l m : extended_rows (lerp_layer t l m) = map2 (map2 (lerp t)) (extended_rows l) (extended_rows m).
Proof.
  destruct l as [W b], m as [V c]. unfold extended_rows, lerp_layer; simpl. revert b c V.
  induction W as [|r W IH]; intros [|x b] [|y c] [|q V]; simpl; try reflexivity;
    try (now rewrite IH); try (destruct (map2 _ _ _); reflexivity).
Qed.
Lemma extended_same l m : same_layer l m -> same_rows (extended_rows l) (extended_rows m).
Proof.
  destruct l as [W b], m as [V c]. unfold same_layer, extended_rows; simpl. intros [H E]. revert b c E.
  induction H; intros [|x' b] [|y' c] E; try discriminate; constructor.
  - simpl. now rewrite H.
  - apply IHForall2. now injection E.
Qed.
Lemma map_norms_convex t W V : within t -> same_rows W V ->
  Forall2 Rle (map norm (map2 (map2 (lerp t)) W V)) (map2 (lerp t) (map norm W) (map norm V)).
Proof. intros W'. induction 1; simpl; constructor; [now apply norm_convex | assumption]. Qed.

(** ** Penalties *)
Lemma map2_abs_le t u v : within t -> length u = length v ->
  Forall2 Rle (map Rabs (map2 (lerp t) u v)) (map2 (lerp t) (map Rabs u) (map Rabs v)).
Proof.
  intros W. revert v; induction u as [|a u IH]; destruct v; try discriminate; intro E; simpl; constructor.
  - now apply abs_convex.
  - apply IH. now injection E.
Qed.
Lemma norm1_convex t u v : within t -> length u = length v -> norm1 (map2 (lerp t) u v) <= lerp t (norm1 u) (norm1 v).
Proof.
  intros W E. unfold norm1. rewrite <- sum_lerp by (now rewrite !map_length). apply sum_le. now apply map2_abs_le.
Qed.
Lemma sum_rows_convex (g : list R -> R) t W V : within t ->
  (forall u v, length u = length v -> g (map2 (lerp t) u v) <= lerp t (g u) (g v)) -> same_rows W V ->
  sum (map g (map2 (map2 (lerp t)) W V)) <= lerp t (sum (map g W)) (sum (map g V)).
Proof.
  intros W' C. induction 1 as [|r q W V H H' IH]; simpl; [rewrite lerp_same; apply Rle_refl|].
  rewrite !sum_cons. pose proof (C _ _ H). unfold lerp in *. lra.
Qed.
Lemma dot_self_convex t u v : within t -> length u = length v -> dot (map2 (lerp t) u v) (map2 (lerp t) u v) <= lerp t (dot u u) (dot v v).
Proof.
  intros W. revert v; induction u as [|a u IH]; destruct v; try discriminate; intro E; cbn [map2].
  - rewrite !dot_nil_l, lerp_same. apply Rle_refl.
  - injection E as E. rewrite !dot_cons. specialize (IH _ E). pose proof (square_convex a r W) as Q. unfold lerp in *. simpl in Q. lra.
Qed.

Lemma vadd_le u v u' v' : Forall2 Rle u u' -> Forall2 Rle v v' -> Forall2 Rle (vadd u v) (vadd u' v').
Proof.
  intro H; revert v v'; induction H; intros v v' H'; simpl; [assumption|].
  destruct H'; constructor; try assumption; try lra. now apply IHForall2.
Qed.
Lemma vadd_length u v u' v' : length u = length u' -> length v = length v' -> length (vadd u v) = length (vadd u' v').
Proof.
  revert v u' v'; induction u; intros v [|] v' E E'; try discriminate; simpl; [assumption|].
  destruct v, v'; try discriminate; simpl in *; auto.
Qed.
Lemma vadd_lerp t u v u' v' : length u = length u' -> length v = length v' ->
  vadd (map2 (lerp t) u u') (map2 (lerp t) v v') = map2 (lerp t) (vadd u v) (vadd u' v').
Proof.
  revert v u' v'; induction u; intros v [|b u'] v' E E'; try discriminate; simpl; [reflexivity|].
  destruct v, v'; try discriminate; simpl; [reflexivity|]. f_equal; [unfold lerp; ring|]. apply IHu; auto.
Qed.
Lemma column_norms1_length W V : same_rows W V -> length (column_norms1 W) = length (column_norms1 V).
Proof. induction 1; simpl; [reflexivity|]. apply vadd_length; [now rewrite !map_length | assumption]. Qed.
Lemma column_norms1_convex t W V : within t -> same_rows W V ->
  Forall2 Rle (column_norms1 (map2 (map2 (lerp t)) W V)) (map2 (lerp t) (column_norms1 W) (column_norms1 V)).
Proof.
  intros W'. induction 1 as [|r q W V H H' IH]; simpl; [constructor|].
  rewrite <- vadd_lerp; [|now rewrite !map_length | now apply column_norms1_length].
  apply vadd_le; [now apply map2_abs_le | exact IH].
Qed.
Lemma vadd_nonneg u v : Forall (fun x => 0 <= x) u -> Forall (fun x => 0 <= x) v -> Forall (fun x => 0 <= x) (vadd u v).
Proof.
  intros H; revert v; induction H; intros v H'; simpl; [assumption|]. destruct H'; constructor; auto; lra.
Qed.
Lemma abs_nonneg u : Forall (fun x => 0 <= x) (map Rabs u).
Proof. induction u; simpl; constructor; [apply Rabs_pos | assumption]. Qed.
Lemma column_norms1_nonneg W : Forall (fun x => 0 <= x) (column_norms1 W).
Proof. induction W; simpl; [constructor|]. apply vadd_nonneg; [apply abs_nonneg | assumption]. Qed.
Lemma norms_nonneg W : Forall (fun x => 0 <= x) (map norm W).
Proof. induction W; simpl; constructor; [apply norm_nonneg | assumption]. Qed.

(** A product of two affine functions lies at most (- Da Db)_+ / 4 above its chord. *)
Definition excess (a a' b b' : list R) : R :=
  sum (map2 (fun da db => Rmax 0 (- (da * db)) / 4) (map2 Rminus a' a) (map2 Rminus b' b)).
Lemma product_chord t a a' b b' : within t -> length a = length a' -> length b = length b' ->
  dot (map2 (lerp t) a a') (map2 (lerp t) b b') <= lerp t (dot a b) (dot a' b') + excess a a' b b'.
Proof.
  intros [W1 W2]. revert a' b b'. induction a as [|x a IH]; intros [|x' a'] [|y b] [|y' b'] E E'; try discriminate; unfold excess; cbn [map2];
    rewrite ?dot_nil_l, ?dot_nil_r, ?lerp_same; try (unfold sum; simpl; lra).
  rewrite !dot_cons, sum_cons. injection E as E. injection E' as E'. specialize (IH _ _ _ E E'). unfold excess in IH.
  enough (lerp t x x' * lerp t y y' <= lerp t (x * y) (x' * y') + Rmax 0 (- ((x' - x) * (y' - y))) / 4) by (unfold lerp in *; lra).
  replace (lerp t x x' * lerp t y y') with (lerp t (x * y) (x' * y') + t * (1 - t) * (- ((x' - x) * (y' - y)))) by (unfold lerp; ring).
  pose proof (Rmax_l 0 (- ((x' - x) * (y' - y)))). pose proof (Rmax_r 0 (- ((x' - x) * (y' - y)))).
  set (m := Rmax _ _) in *. set (d := - ((x' - x) * (y' - y))) in *.
  assert (0 <= t * (1 - t)) by nra. assert (t * (1 - t) <= / 4) by (pose proof (pow2_ge_0 (t - / 2)); nra). nra.
Qed.

(** Columns. *)
Lemma attach_lerp t r q C D : length r = length q -> same_rows C D ->
  attach (map2 (lerp t) r q) (map2 (map2 (lerp t)) C D) = map2 (map2 (lerp t)) (attach r C) (attach q D).
Proof.
  revert q C D; induction r as [|x r IH]; intros [|y q] C D E H; try discriminate; simpl; [reflexivity|]. injection E as E.
  destruct H as [|c d C D L H]; simpl; f_equal; [apply (IH q [] [] E); constructor | now apply IH].
Qed.
Lemma attach_same r q C D : length r = length q -> same_rows C D -> same_rows (attach r C) (attach q D).
Proof.
  revert q C D; induction r as [|x r IH]; intros [|y q] C D E H; try discriminate; simpl; [assumption|]. injection E as E.
  destruct H as [|c d C D L H]; constructor; simpl; try lia; [apply (IH q [] [] E); constructor | now apply IH].
Qed.
Lemma columns_same W V : same_rows W V -> same_rows (columns W) (columns V).
Proof. induction 1; simpl; [constructor | now apply attach_same]. Qed.
Lemma columns_lerp t W V : same_rows W V -> columns (map2 (map2 (lerp t)) W V) = map2 (map2 (lerp t)) (columns W) (columns V).
Proof.
  induction 1 as [|r q W V E H IH]; simpl; [reflexivity|]. unfold columns in *. simpl. rewrite IH. apply attach_lerp; [assumption | now apply columns_same].
Qed.

Lemma attach_length {T} (row : list T) C n : length row = n -> (C = [] \/ length C = n) -> length (attach row C) = n.
Proof.
  revert C n; induction row as [|x row IH]; intros C n L H; simpl in *; [destruct H; subst; auto|].
  destruct C as [|c C]; simpl; destruct n; try discriminate; f_equal; apply IH; auto. destruct H as [H|H]; [discriminate | right; simpl in H; lia].
Qed.
Lemma columns_length {T} (W : list (list T)) n : Forall (fun row => length row = n) W -> W = [] \/ length (columns W) = n.
Proof.
  induction 1 as [|row W L H IH]; [now left|]. right. simpl. apply attach_length; [assumption|]. destruct IH as [->|]; auto.
Qed.

(** How far the penalty may rise above its chord. *)
Definition penalty_excess (q : penalty) (v w : network R) : R :=
  match q with
  | PathNorm => excess (map norm (extended_rows (hd empty_layer v))) (map norm (extended_rows (hd empty_layer w)))
                       (column_norms1 (weight (last v empty_layer))) (column_norms1 (weight (last w empty_layer)))
  | Balanced => excess (map norm (extended_rows (hd empty_layer v))) (map norm (extended_rows (hd empty_layer w)))
                       (map norm (columns (weight (last v empty_layer)))) (map norm (columns (weight (last w empty_layer))))
  | _ => 0
  end.
(** Products of norms and of numbers that are convex too. *)
Lemma norms_chord t R0 R1 c0 c1 c : within t -> same_rows R0 R1 -> length c0 = length c1 ->
  Forall (fun x => 0 <= x) c0 -> Forall (fun x => 0 <= x) c1 -> Forall2 Rle c (map2 (lerp t) c0 c1) ->
  dot (map norm (map2 (map2 (lerp t)) R0 R1)) c <=
  lerp t (dot (map norm R0) c0) (dot (map norm R1) c1) + excess (map norm R0) (map norm R1) c0 c1.
Proof.
  intros W HE L N0 N1 H. eapply Rle_trans; [|apply product_chord; [assumption | rewrite !map_length; now apply same_rows_length | assumption]].
  apply Rle_trans with (dot (map norm (map2 (map2 (lerp t)) R0 R1)) (map2 (lerp t) c0 c1)).
  - apply dot_le; [apply norms_nonneg | assumption].
  - rewrite (dot_comm (map norm _)), (dot_comm (map2 (lerp t) (map norm R0) _)). apply dot_le; [|now apply map_norms_convex].
    destruct W as [W1 W2]. clear - N0 N1 W1 W2. revert c1 N1. induction N0 as [|x c0 X N0 IH]; intros [|y c1] N1; simpl; constructor; inversion_clear N1.
    + unfold lerp. apply Rplus_le_le_0_compat; apply Rmult_le_pos; lra.
    + now apply IH.
Qed.
Lemma bias_price_convex t priced v w : within t -> same_shape v w ->
  bias_price priced (lerp_network t v w) <= lerp t (bias_price priced v) (bias_price priced w).
Proof.
  intros W H. unfold bias_price. destruct priced; [|rewrite lerp_same; apply Rle_refl].
  rewrite last_lerp by assumption. apply same_last in H. destruct H. now apply norm1_convex.
Qed.
Theorem penalty_chord q priced t v w : within t -> same_shape v w ->
  penalty_value q priced (lerp_network t v w)
  <= lerp t (penalty_value q priced v) (penalty_value q priced w) + penalty_excess q v w.
Proof.
  intros W H. pose proof (bias_price_convex priced W H) as B. pose proof (same_last H) as [HL _]. pose proof (same_hd H) as HH.
  destruct q; cbn [penalty_value penalty_excess].
  - rewrite lerp_same. lra.
  - rewrite last_lerp by assumption. cbn [weight lerp_layer].
    pose proof (sum_rows_convex norm1 W (fun u v => norm1_convex u v W) HL). unfold lerp in *. lra.
  - rewrite last_lerp, hd_lerp, extended_lerp by assumption. cbn [weight lerp_layer].
    pose proof (norms_chord W (extended_same HH) (column_norms1_length HL) (column_norms1_nonneg _) (column_norms1_nonneg _)
                  (column_norms1_convex W HL)). unfold lerp in *. lra.
  - rewrite last_lerp, hd_lerp, extended_lerp by assumption. cbn [weight lerp_layer].
    pose proof (sum_rows_convex (fun r => dot r r) W (fun u v => dot_self_convex u v W) HL).
    pose proof (sum_rows_convex (fun r => dot r r) W (fun u v => dot_self_convex u v W) (extended_same HH)).
    unfold lerp in *. lra.
  - rewrite last_lerp, hd_lerp, extended_lerp by assumption. cbn [weight lerp_layer]. rewrite columns_lerp by assumption.
    apply norms_chord; try assumption; [now apply extended_same | rewrite !map_length; now apply same_rows_length, columns_same
      | apply norms_nonneg | apply norms_nonneg | apply map_norms_convex; [assumption | now apply columns_same]].
Qed.
