(** * Weight decay through balancing (docs/mathematics.md, section 4) *)
From Coq Require Import Reals List ZArith Bool Lia Lra.
From Proofs Require Import Spec Convex Moves Scaling.
Import ListNotations.
Set Implicit Arguments.
Unset Strict Implicit.
Open Scope R_scope.

(** ** Factors *)
Lemma balancing_nonneg x y : 0 <= balancing x y.
Proof. unfold balancing. destruct (Rlt_dec 0 (x * y)); [apply sqrt_pos | apply Rle_refl]. Qed.
Lemma positive_factors x y : 0 <= x -> 0 <= y -> 0 < x * y -> 0 < x /\ 0 < y.
Proof. intros X Y H. destruct X as [X| <-]; [|lra]. destruct Y as [Y| <-]; [auto | lra]. Qed.
Lemma no_product x y : 0 <= x -> 0 <= y -> ~ 0 < x * y -> x = 0 \/ y = 0.
Proof. intros X Y H. destruct X as [X| <-]; [|now left]. destruct Y as [Y| <-]; [|now right]. elim H. now apply Rmult_lt_0_compat. Qed.
Lemma balancing_pos x y : 0 <= x -> 0 <= y -> 0 < x * y -> 0 < balancing x y /\ balancing x y * balancing x y = y / x /\ balancing x y * balancing y x = 1.
Proof.
  intros X Y H. destruct (positive_factors X Y H) as [PX PY]. unfold balancing. rewrite (Rmult_comm y x). destruct (Rlt_dec 0 (x * y)); [|easy].
  assert (A : 0 < y / x) by now apply Rdiv_lt_0_compat. assert (B : 0 < x / y) by now apply Rdiv_lt_0_compat.
  repeat split; [now apply sqrt_lt_R0 | apply sqrt_sqrt; lra|]. rewrite <- sqrt_mult by lra. replace (y / x * (x / y)) with 1 by (field; lra). apply sqrt_1.
Qed.
Lemma balanced_square x y : 0 <= x -> 0 <= y -> balancing x y * x * (balancing x y * x) = x * y.
Proof.
  intros X Y. destruct (Rlt_dec 0 (x * y)) as [H|H].
  - destruct (balancing_pos X Y H) as (_ & Q & _). destruct (positive_factors X Y H) as [PX PY].
    replace (balancing x y * x * (balancing x y * x)) with (balancing x y * balancing x y * (x * x)) by ring. rewrite Q. field. lra.
  - destruct (no_product X Y H) as [-> | ->]; [ring|]. unfold balancing. rewrite Rmult_0_r. destruct (Rlt_dec 0 0); [lra | ring].
Qed.
Lemma toward_nonneg t x y : within t -> 0 <= toward t x y.
Proof. intros [A B]. unfold toward. destruct (Rlt_dec 0 (x * y)); [left; apply exp_pos | lra]. Qed.
Lemma toward_cancel t x y : 0 <= x -> 0 <= y -> toward t x y * toward t y x = 1 \/ x = 0 \/ y = 0.
Proof.
  intros X Y. unfold toward. rewrite (Rmult_comm y x). destruct (Rlt_dec 0 (x * y)) as [H|H]; [left | right; now apply no_product].
  destruct (balancing_pos X Y H) as (A & _ & C). assert (H' : 0 < y * x) by lra. destruct (balancing_pos Y X H') as (B & _ & _).
  rewrite Rpower_mult_distr, C by assumption. unfold Rpower. rewrite ln_1, Rmult_0_r. apply exp_0.
Qed.
Lemma toward_falls t x y : within t -> 0 <= x -> 0 <= y ->
  toward t x y * x * (toward t x y * x) + toward t y x * y * (toward t y x * y) <= x * x + y * y.
Proof.
  intros W X Y. unfold toward. rewrite (Rmult_comm y x). destruct (Rlt_dec 0 (x * y)) as [H|H].
  - destruct (balancing_pos X Y H) as (A & QA & _). assert (H' : 0 < y * x) by lra. destruct (balancing_pos Y X H') as (B & QB & _).
    destruct (positive_factors X Y H) as [PX PY].
    pose proof (Rpower_square_convex (balancing x y) W) as CA. pose proof (Rpower_square_convex (balancing y x) W) as CB.
    rewrite Rpower_0, Rpower_1, QA in CA by assumption. rewrite Rpower_0, Rpower_1, QB in CB by assumption.
    set (a := Rpower (balancing x y) t) in *. set (b := Rpower (balancing y x) t) in *.
    apply Rmult_le_compat_r with (r := x * x) in CA; [|nra]. apply Rmult_le_compat_r with (r := y * y) in CB; [|nra].
    replace (lerp t (1 * 1) (y / x) * (x * x)) with (lerp t (x * x) (x * y)) in CA by (unfold lerp; field; lra).
    replace (lerp t (1 * 1) (x / y) * (y * y)) with (lerp t (y * y) (x * y)) in CB by (unfold lerp; field; lra).
    destruct W as [W1 W2]. pose proof (Rle_0_sqr (x - y)) as S. unfold Rsqr in S. unfold lerp in *. nra.
  - destruct W as [W1 W2]. assert ((1 - t) * (1 - t) <= 1) by nra. pose proof (Rle_0_sqr x). pose proof (Rle_0_sqr y). unfold Rsqr in *. nra.
Qed.

(** ** Columns that are 0 *)
Definition zeros_of (y r : list R) : Prop := Forall2 (fun n z => n = 0 -> z = 0) y r.
Lemma norm_cons_zero x c : norm (x :: c) = 0 -> x = 0 /\ norm c = 0.
Proof.
  intro N. apply norm_zero in N. inversion_clear N as [|? ? X C]. split; [assumption|]. unfold norm. replace (dot c c) with 0; [apply sqrt_0|].
  induction C as [|y c -> C IH]; [reflexivity|]. rewrite dot_cons, <- IH. ring.
Qed.
Lemma attach_zeros r C n : length r = n -> (C = [] \/ length C = n) -> zeros_of (map norm (attach r C)) r /\
  forall q, zeros_of (map norm C) q -> length q = n -> zeros_of (map norm (attach r C)) q.
Proof.
  unfold zeros_of. revert r C; induction n as [|n IH]; intros [|x r] C L H; try discriminate; simpl in *.
  - split; [destruct H as [->|H]; [constructor | destruct C; [constructor | discriminate]]|]. intros q Q LQ. destruct H as [->|H]; [exact Q | destruct C; [exact Q | discriminate]].
  - injection L as L. destruct C as [|c C]; simpl.
    + destruct (IH r [] L (or_introl eq_refl)) as [I1 I2]. split.
      * constructor; [|exact I1]. intro N. now apply norm_cons_zero in N.
      * intros q Q LQ. inversion Q. subst q. discriminate.
    + destruct H as [H|H]; [discriminate|]. injection H as H. destruct (IH r C L (or_intror H)) as [I1 I2]. split.
      * constructor; [|exact I1]. intro N. now apply norm_cons_zero in N.
      * intros [|z q] Q LQ; [discriminate|]. inversion_clear Q as [|? ? ? ? Q1 Q2]. constructor.
        -- intro N. apply Q1. now apply norm_cons_zero in N.
        -- apply I2; [assumption | now injection LQ].
Qed.
Lemma columns_zeros W n : Forall (fun r => length r = n) W -> Forall (zeros_of (map norm (columns W))) W.
Proof.
  induction 1 as [|r W L H IH]; [constructor|].
  assert (C : columns W = [] \/ length (columns W) = n) by (destruct (columns_length H) as [-> | Q]; [now left | now right]).
  destruct (attach_zeros L C) as [Z K]. constructor; [exact Z|]. rewrite Forall_forall in *. intros q I. apply K; [now apply IH | now apply H].
Qed.

(** ** Squares by columns *)
Lemma attach_squares r C n : length r = n -> (C = [] \/ length C = n) ->
  sum (map (fun c => dot c c) (attach r C)) = dot r r + sum (map (fun c => dot c c) C).
Proof.
  revert r C; induction n as [|n IH]; intros [|x r] C L H; try discriminate; simpl in *.
  - unfold dot, sum; simpl. destruct H as [->|H]; [|destruct C; [|discriminate]]; simpl; ring.
  - injection L as L. destruct C as [|c C]; simpl.
    + rewrite sum_cons, !dot_cons, dot_nil_l, (IH r [] L (or_introl eq_refl)). unfold sum; simpl. ring.
    + destruct H as [H|H]; [discriminate|]. injection H as H. rewrite !sum_cons, !dot_cons, (IH r C L (or_intror H)). ring.
Qed.
Lemma columns_squares W n : Forall (fun r => length r = n) W -> sum (map (fun r => dot r r) W) = sum (map (fun c => dot c c) (columns W)).
Proof.
  induction 1 as [|r W L H IH]; simpl; [reflexivity|]. rewrite sum_cons, IH. fold (columns W). symmetry. apply attach_squares with n; [assumption|].
  destruct (columns_length H) as [-> | Q]; [now left | now right].
Qed.
Lemma squares_of_norms E : sum (map (fun e => dot e e) E) = sum (map (fun x => x * x) (map norm E)).
Proof. induction E; simpl; [reflexivity|]. rewrite !sum_cons, IHE, norm_square. reflexivity. Qed.

(** ** The proposition *)
Section Balancing.
Variables (n : nat) (l m : layer R).
Hypothesis S : shallow n [l; m].
Hypothesis outputs_there : weight m <> [].
Notation v := [l; m].
Notation E := (extended_rows l).
Notation x := (row_norms v).
Notation y := (head_norms v).
Lemma lengths : length x = n /\ length y = n.
Proof.
  unfold row_norms, head_norms. cbn [hd last]. rewrite !map_length. split; [now apply shallow_rows with m|].
  destruct S as (_ & _ & H). destruct (columns_length H) as [Q|Q]; [now elim outputs_there | exact Q].
Qed.
Lemma pair_neutral (f g : R -> R -> R) : (forall a b, 0 <= a -> 0 <= b -> 0 <= f a b /\ (f a b * g b a = 1 \/ a = 0 \/ b = 0)) ->
  Forall (neutral (map2 f x y) (map2 g y x) E) (weight m).
Proof.
  intro H. pose proof lengths as [LX LY]. destruct S as (_ & _ & R0). pose proof (columns_zeros R0) as Z. rewrite Forall_forall in *. intros r I. specialize (Z r I).
  unfold row_norms, head_norms in *. cbn [hd last] in *. rewrite map_length in LX. clear I R0 outputs_there. revert Z LX LY. generalize (norms_nonneg (columns (weight m))).
  generalize (map norm (columns (weight m))). generalize (extended_rows l). clear S. revert r.
  induction n as [|k IH]; intros r F0 u N Z LX LY; destruct F0 as [|e F0], u as [|b u]; try discriminate; inversion_clear Z as [|? z ? r' Z1 Z2]; simpl; [constructor|].
  inversion_clear N as [|? ? N1 N2]. destruct (H (norm e) b (norm_nonneg e) N1) as [H1 H2]. split; [assumption|]. split; [|apply IH; try assumption; simpl in *; lia].
  destruct H2 as [H2|[H2|H2]]; [now left | right; now right | right; left; now apply Z1].
Qed.
Lemma scaled_weight_decay priced a b : length a = n -> length b = n -> Forall (fun z => 0 <= z) a -> Forall (fun z => 0 <= z) b ->
  penalty_value WeightDecay priced (scaled a b v) = (sum (map (fun z => z * z) (map2 Rmult a x)) + sum (map (fun z => z * z) (map2 Rmult b y))) / 2.
Proof.
  intros A B NA NB. destruct S as (_ & _ & R0). cbn [penalty_value scaled hd last weight]. rewrite extended_scaled, squares_of_norms, rescaled_norms by assumption.
  rewrite (@columns_squares (map (map2 Rmult b) (weight m)) n), columns_scaled, squares_of_norms, rescaled_norms; try assumption; [reflexivity | |].
  - eapply Forall_impl; [|exact R0]. intros r L. simpl in L. congruence.
  - apply Forall_forall. intros r I. apply in_map_iff in I as (q & <- & I). rewrite Forall_forall in R0. rewrite map2_length, (R0 q I). lia.
Qed.
Lemma weight_decay_norms priced : penalty_value WeightDecay priced v = (sum (map (fun z => z * z) x) + sum (map (fun z => z * z) y)) / 2.
Proof.
  destruct S as (_ & _ & R0). cbn [penalty_value hd last]. rewrite squares_of_norms, (columns_squares R0), squares_of_norms. reflexivity.
Qed.
Lemma pairs_lengths (f : R -> R -> R) : length (map2 f x y) = n /\ length (map2 f y x) = n.
Proof. pose proof lengths as [LX LY]. rewrite !map2_length. lia. Qed.
Lemma pairs_nonneg (f : R -> R -> R) u w : (forall a b, 0 <= f a b) -> Forall (fun z => 0 <= z) (map2 f u w).
Proof. intro H. revert w; induction u; intros [|b w]; simpl; constructor; auto. Qed.
Lemma balance_penalty priced : penalty_value WeightDecay priced (balance v) = penalty_value Balanced priced v.
Proof.
  unfold balance. destruct (pairs_lengths balancing) as [A B]. rewrite scaled_weight_decay; try assumption; try (apply pairs_nonneg, balancing_nonneg).
  pose proof lengths as [LX LY]. change (penalty_value Balanced priced v) with (dot x y).
  assert (NX : Forall (fun z => 0 <= z) x) by apply norms_nonneg. assert (NY : Forall (fun z => 0 <= z) y) by apply norms_nonneg. revert LX LY NX NY. generalize x y. clear.
  intros u. revert n. induction u as [|a u IH]; intros n [|b w] LX LY NX NY; simpl in *; rewrite ?dot_nil_l; try (unfold sum; simpl; lra); try (subst; discriminate).
  inversion_clear NX as [|? ? NA NU]. inversion_clear NY as [|? ? NB NW]. rewrite !sum_cons, dot_cons, (balanced_square NA NB).
  specialize (IH (length u) w eq_refl ltac:(lia) NU NW). pose proof (balanced_square NB NA) as Q. rewrite Q. lra.
Qed.
Lemma curve_falls priced t : within t -> penalty_value WeightDecay priced (balancing_curve t v) <= penalty_value WeightDecay priced v.
Proof.
  intro W. unfold balancing_curve. destruct (pairs_lengths (toward t)) as [A B].
  rewrite scaled_weight_decay, weight_decay_norms; try assumption; try (apply pairs_nonneg; intros; now apply toward_nonneg).
  pose proof lengths as [LX LY]. assert (NX : Forall (fun z => 0 <= z) x) by apply norms_nonneg. assert (NY : Forall (fun z => 0 <= z) y) by apply norms_nonneg.
  revert LX LY NX NY. generalize x y. clear - W. intros u. revert n.
  induction u as [|a u IH]; intros n [|b w] LX LY NX NY; simpl in *; try (unfold sum; simpl; lra); try (subst; discriminate).
  inversion_clear NX as [|? ? NA NU]. inversion_clear NY as [|? ? NB NW]. rewrite !sum_cons.
  specialize (IH (length u) w eq_refl ltac:(lia) NU NW). pose proof (toward_falls W NA NB). lra.
Qed.
(** AM-GM. *)
Lemma balanced_below priced : penalty_value Balanced priced v <= penalty_value WeightDecay priced v.
Proof.
  rewrite weight_decay_norms. change (penalty_value Balanced priced v) with (dot x y). generalize x y. clear. intro u0.
  induction u0 as [|a u IH]; intros [|b w]; rewrite ?dot_nil_l, ?dot_nil_r; simpl; rewrite ?sum_cons, ?dot_cons.
  - unfold sum; simpl; lra.
  - assert (0 <= sum (map (fun z => z * z) w)) by (clear; induction w; simpl; [apply Rle_refl | rewrite sum_cons; nra]). unfold sum at 1; simpl. nra.
  - assert (0 <= sum (map (fun z => z * z) u)) by (clear; induction u; simpl; [apply Rle_refl | rewrite sum_cons; nra]). unfold sum at 2; simpl. nra.
  - specialize (IH w). pose proof (Rle_0_sqr (a - b)) as S. unfold Rsqr in S. lra.
Qed.

Variable P : problem R.
Hypothesis decay : penalty_of P = WeightDecay.
Hypothesis P_proper : proper P.
Theorem balance_F : F P (balance v) = F (balanced P) v.
Proof.
  unfold F. cbn [balanced samples kappa penalty_of bias_priced]. rewrite decay, balance_penalty. do 2 f_equal. apply map_ext. intro j. unfold sample_loss. cbn [balanced slope loss_of].
  f_equal. apply scaled_outputs. apply pair_neutral. intros a b A B. split; [apply balancing_nonneg|].
  destruct (Rlt_dec 0 (a * b)) as [H|H]; [left; now apply balancing_pos | right; now apply no_product].
Qed.
Theorem balancing_curve_F t : within t -> F P (balancing_curve t v) <= F P v.
Proof.
  intro W. destruct P_proper as (_ & _ & K & _). unfold F. rewrite decay. apply Rplus_le_compat.
  - right. f_equal. apply map_ext. intro j. unfold sample_loss. f_equal. apply scaled_outputs. apply pair_neutral.
    intros a b A B. split; [now apply toward_nonneg | now apply toward_cancel].
  - apply Rmult_le_compat_l; [assumption | now apply curve_falls].
Qed.
Theorem balanced_F_below : F (balanced P) v <= F P v.
Proof.
  destruct P_proper as (_ & _ & K & _). unfold F. cbn [balanced samples kappa penalty_of bias_priced]. rewrite decay. apply Rplus_le_compat.
  - right. reflexivity.
  - apply Rmult_le_compat_l; [assumption | apply balanced_below].
Qed.
End Balancing.
