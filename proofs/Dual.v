(** * Lower bounds of head programs by duality: conjugates of the losses, and pulls on fixed features (docs/mathematics.md, section 5) *)
From Coq Require Import Reals List ZArith Bool Lia Lra.
From Proofs Require Import Spec Convex Moves.
Import ListNotations.
Set Implicit Arguments.
Unset Strict Implicit.
Open Scope R_scope.

(** ** Conjugates *)
(** At 0 it is 0, as the limit is: Coq's [ln 0] is a number. *)
Definition plogp (a : R) : R := a * ln a.
Fixpoint bump {T} (next : T -> T) (k : nat) (u : list T) : list T :=
  match u, k with [], _ => [] | x :: u', O => next x :: u' | x :: u', S k' => x :: bump next k' u' end.
(** [nu = p - e_y]. *)
Definition simplex_point (k : nat) (nu : list R) : list R := bump (fun x => x + 1) k nu.

Definition conjugate (o : loss R) (y : list R) (k : nat) (nu : list R) : R :=
  match o with
  | Logistic => sum (map2 (fun t v => plogp (- (t * v)) + plogp (1 + t * v)) y nu)
  | Hinge | Absolute => sum (map2 (fun t v => v * t) y nu)
  | CrossEntropy => sum (map plogp (simplex_point k nu))
  | Squared => sum (map2 (fun t v => v * v / 4 + v * t) y nu)
  | Huber _ => sum (map2 (fun t v => v * v / 2 + v * t) y nu)
  end.
Definition in_domain (o : loss R) (y : list R) (k : nat) (nu : list R) : Prop :=
  match o with
  | Logistic | Hinge => Forall2 (fun t v => t * t = 1 /\ 0 <= - (t * v) <= 1) y nu
  | CrossEntropy => Forall (fun x => 0 <= x) (simplex_point k nu) /\ sum (simplex_point k nu) = 1 /\ (k < length nu)%nat
  | Squared => length y = length nu
  | Absolute => Forall2 (fun t v => Rabs v <= 1) y nu
  | Huber d => Forall2 (fun t v => Rabs v <= d) y nu
  end.

Lemma ln_tangent x : 0 < x -> ln x <= x - 1.
Proof.
  intro P. replace x with (exp (ln x)) at 2 by now apply exp_ln. destruct (Req_dec (ln x) 0) as [->|N]; [rewrite exp_0; lra|].
  pose proof (exp_ineq1 (ln x) N). lra.
Qed.
(** Gibbs' inequality. *)
Lemma gibbs p f : length p = length f -> Forall (fun x => 0 <= x) p -> sum p = 1 -> dot p f - sum (map plogp p) <= lse f.
Proof.
  intros L N T. destruct f as [|z f]; [destruct p; [unfold sum in T; simpl in T; lra | discriminate]|].
  set (g := z :: f) in *. set (m := lse g).
  assert (E : sum (map exp (map (fun x => x - m) g)) = 1).
  { rewrite sum_exp_shift. unfold m, lse. rewrite exp_Ropp, exp_ln by apply sum_exp_pos. apply Rinv_r. apply Rgt_not_eq, sum_exp_pos. }
  enough (dot p g - sum (map plogp p) - m * sum p <= sum (map exp (map (fun x => x - m) g)) - sum p) by (rewrite E, T in *; lra).
  clearbody m. clear E T. clearbody g. revert g L. induction N as [|x p X N IH]; intros [|y g] L; try discriminate.
  - unfold dot, sum; simpl. lra.
  - injection L as L. specialize (IH _ L). simpl. rewrite dot_cons, !sum_cons.
    enough (x * y - plogp x - m * x <= exp (y - m) - x) by lra. unfold plogp.
    destruct X as [X| <-]; [|pose proof (exp_pos (y - m)); lra].
    assert (Q : ln (exp (y - m) / x) <= exp (y - m) / x - 1) by (apply ln_tangent; apply Rdiv_lt_0_compat; [apply exp_pos | assumption]).
    unfold Rdiv in Q. rewrite ln_mult, ln_exp, ln_Rinv in Q; try assumption; [|apply exp_pos | now apply Rinv_0_lt_compat].
    apply Rmult_le_compat_l with (r := x) in Q; [|lra]. replace (x * (exp (y - m) * / x - 1)) with (exp (y - m) - x) in Q by (field; lra). lra.
Qed.

Lemma separable_below (g c : R -> R -> R) (Q : R -> R -> Prop) y nu f : Forall2 Q y nu -> length nu = length f ->
  (forall t v z, Q t v -> v * z - c t v <= g t z) -> dot nu f - sum (map2 c y nu) <= sum (map2 g y f).
Proof.
  intros H L B. revert f L. induction H as [|t v y nu X H IH]; intros [|z f] L; try discriminate; cbn [map2].
  - unfold dot, sum; simpl; lra.
  - injection L as L. rewrite dot_cons, !sum_cons. specialize (IH _ L). specialize (B t v z X). lra.
Qed.
Lemma Forall2_any y (nu : list R) : length y = length nu -> Forall2 (fun _ _ : R => True) y nu.
Proof. revert nu; induction y; destruct nu; try discriminate; simpl; intro L; constructor; auto. Qed.
Lemma abs_between x d : Rabs x <= d -> - d <= x <= d.
Proof. unfold Rabs; destruct (Rcase_abs x); lra. Qed.
Lemma dot_bump k nu f : length nu = length f -> (k < length nu)%nat -> dot (simplex_point k nu) f = dot nu f + nth k f 0.
Proof.
  unfold simplex_point. revert k f; induction nu as [|v nu IH]; intros k [|z f] L K; try discriminate; simpl in *; [lia|]. injection L as L.
  destruct k; simpl; rewrite !dot_cons; [ring|]. rewrite IH by (assumption || lia). ring.
Qed.
Lemma bump_length {T} (g : T -> T) k u : length (bump g k u) = length u.
Proof. revert k; induction u; destruct k; simpl; auto. Qed.

(** Fenchel and Young. *)
Theorem fenchel_young o y k nu f : proper_loss o -> in_domain o y k nu -> length nu = length f ->
  dot nu f - conjugate o y k nu <= loss_value o y k f.
Proof.
  intros P D L. destruct o; simpl in *.
  - apply (separable_below D L). intros t v z [T A].
    assert (G := @gibbs [1 + t * v; - (t * v)] [0; - (t * z)] eq_refl). rewrite softplus_lse.
    replace (v * z - (plogp (- (t * v)) + plogp (1 + t * v)))
      with (dot [1 + t * v; - (t * v)] [0; - (t * z)] - sum (map plogp [1 + t * v; - (t * v)])).
    + apply G; [constructor; [lra | constructor; [lra | constructor]] | unfold sum; simpl; ring].
    + unfold dot, sum; simpl. replace (- (t * v) * - (t * z)) with (t * t * (v * z)) by ring. rewrite T. ring.
  - apply (separable_below D L). intros t v z [T A].
    apply Rle_trans with (- (t * v) * (1 - t * z)).
    + right. replace (- (t * v) * (1 - t * z)) with (t * t * (v * z) - t * v) by ring. rewrite T. ring.
    + unfold Rmax. destruct (Rle_dec 0 (1 - t * z)); nra.
  - destruct D as (D1 & D2 & D3). assert (L' : length (simplex_point k nu) = length f) by (unfold simplex_point; now rewrite bump_length).
    pose proof (gibbs L' D1 D2) as G. rewrite (dot_bump L D3) in G. unfold lse in G. lra.
  - apply (separable_below (Forall2_any D) L). intros t v z _. pose proof (Rle_0_sqr (z - t - v / 2)) as Q. unfold Rsqr in Q. lra.
  - apply (separable_below D L). intros t v z A. apply abs_between in A. unfold Rabs. destruct (Rcase_abs (z - t)); nra.
  - apply (separable_below D L). intros t v z A. apply abs_between in A. pose proof (huber_above (z - t) P A). lra.
Qed.

(** ** Sums of norms *)
Lemma cauchy u v : dot u v <= norm u * norm v.
Proof.
  revert v; induction u as [|a u IH]; intros [|b v]; rewrite ?dot_nil_l, ?dot_nil_r;
    try (apply Rmult_le_pos; apply norm_nonneg).
  rewrite dot_cons. specialize (IH v). apply Rle_trans with (a * b + norm u * norm v); [lra|].
  apply le_of_squares; [apply Rmult_le_pos; apply norm_nonneg|].
  replace (norm (a :: u) * norm (b :: v) * (norm (a :: u) * norm (b :: v)))
    with ((norm (a :: u) * norm (a :: u)) * (norm (b :: v) * norm (b :: v))) by ring.
  rewrite !norm_square, !dot_cons, <- !norm_square. pose proof (Rle_0_sqr (a * norm v - b * norm u)) as Q. unfold Rsqr in Q. lra.
Qed.
Lemma norm_opp u : norm (map Ropp u) = norm u.
Proof. unfold norm. f_equal. induction u; [reflexivity|]. simpl. rewrite !dot_cons, IHu. ring. Qed.
Lemma cauchy_below u v : - (norm u * norm v) <= dot u v.
Proof. pose proof (cauchy (map Ropp u) v) as C. rewrite norm_opp, dot_opp_l in C. lra. Qed.
Lemma norm_bound H u n : 0 <= H -> (length u <= n)%nat -> Forall (fun x => Rabs x <= H) u -> norm u <= H * sqrt (INR n).
Proof.
  intros P L A. apply le_of_squares; [apply Rmult_le_pos; [assumption | apply sqrt_pos]|]. rewrite norm_square.
  replace (H * sqrt (INR n) * (H * sqrt (INR n))) with (H * H * (sqrt (INR n) * sqrt (INR n))) by ring.
  rewrite sqrt_sqrt by apply pos_INR. apply Rle_trans with (H * H * INR (length u)).
  - induction A as [|x u X A IH]; [unfold dot, sum; simpl; lra|]. rewrite dot_cons. cbn [length]. rewrite S_INR. apply abs_between in X.
    simpl in L. specialize (IH ltac:(lia)). nra.
  - apply Rmult_le_compat_l; [nra|]. now apply le_INR.
Qed.

(** ** Pulls: by sums over samples of what the dual weighs *)
Fixpoint transpose {T} (zero : T) (K : nat) (D : list (list T)) : list (list T) :=
  match K with O => [] | S K' => map (hd zero) D :: transpose zero K' (map (@tl T) D) end.
Definition pulls (w : list R) (K : nat) (D : list (list R)) : list (list R) := map (map2 Rmult w) (transpose 0 K D).

Section Features.
Variables (X E : Type) (g : X -> E -> R).
Lemma dot_linear u (h1 h2 : X -> R) a J : dot u (map (fun x => a * h1 x + h2 x) J) = a * dot u (map h1 J) + dot u (map h2 J).
Proof. revert u; induction J; destruct u; simpl; rewrite ?dot_nil_l, ?dot_nil_r; try ring. rewrite !dot_cons, IHJ. ring. Qed.
Lemma dot_zeros u (J : list X) : dot u (map (fun _ => 0) J) = 0.
Proof. revert u; induction J; destruct u; simpl; rewrite ?dot_nil_l, ?dot_nil_r, ?dot_cons, ?IHJ; try reflexivity. ring. Qed.
Lemma exchange_row u row J N : dot u (map (fun x => dot row (map (g x) N)) J) = dot row (map (fun e => dot u (map (fun x => g x e) J)) N).
Proof.
  revert row; induction N as [|e N IH]; intros [|a row].
  1-3: replace (map (fun x => dot _ (map (g x) _)) J) with (map (fun _ : X => 0) J)
         by (apply map_ext; intro x; simpl; now rewrite ?dot_nil_l, ?dot_nil_r); rewrite dot_zeros; simpl; now rewrite ?dot_nil_l, ?dot_nil_r.
  - cbn [map]. rewrite dot_cons, <- IH. rewrite <- dot_linear. f_equal.
Qed.
Lemma dot_const u b (J : list X) : length u = length J -> dot u (map (fun _ => b) J) = b * sum u.
Proof.
  revert J; induction u; destruct J; try discriminate; intro L; [unfold dot, sum; simpl; ring|]. simpl in *. rewrite dot_cons, sum_cons, IHu by lia. ring.
Qed.
Lemma weighed w (h : X -> R) J D : dot w (map2 (fun x (nu : list R) => hd 0 nu * h x) J D) = dot (map2 Rmult w (map (hd 0) D)) (map h J).
Proof.
  revert J D; induction w; intros [|x J] [|d D]; simpl; rewrite ?dot_nil_l, ?dot_nil_r; try reflexivity; rewrite ?dot_cons, ?IHw; try ring.
Qed.
Lemma dot_plus w (h1 h2 : X -> list R -> R) J D :
  dot w (map2 (fun x nu => h1 x nu + h2 x nu) J D) = dot w (map2 h1 J D) + dot w (map2 h2 J D).
Proof. revert J D; induction w; intros [|x J] [|d D]; simpl; rewrite ?dot_nil_l, ?dot_nil_r, ?dot_cons, ?IHw; try ring. Qed.

Theorem exchange w J D N : length w = length J -> length D = length J -> forall W c, length W = length c ->
  Forall (fun nu => length nu = length W) D ->
  dot w (map2 (fun x nu => dot nu (map2 (fun row b => dot row (map (g x) N) + b) W c)) J D) =
  sum (map2 (fun row u => dot row (map (fun e => dot u (map (fun x => g x e) J)) N)) W (pulls w (length W) D))
  + dot c (map sum (pulls w (length W) D)).
Proof.
  intros LW LD W. revert D LD; induction W as [|row W IH]; intros D LD [|b c] L H; try discriminate; unfold pulls; cbn [length transpose map map2].
  - replace (map2 (fun x nu => dot nu []) J D) with (map (fun _ : X => 0) J).
    + rewrite dot_const by assumption. unfold dot, sum at 2 3; simpl. ring.
    + clear LW H. revert D LD; induction J; destruct D; try discriminate; simpl; intro E0; [reflexivity|]. rewrite dot_nil_r. f_equal. apply IHJ. lia.
  - injection L as L. specialize (IH (map (@tl R) D)). rewrite map_length in IH. specialize (IH LD c L).
    rewrite sum_cons, dot_cons. unfold pulls in IH.
    assert (H' : Forall (fun nu => length nu = length W) (map (@tl R) D)).
    { clear - H. induction H as [|nu D A H I]; simpl; constructor; [|assumption]. destruct nu; simpl in *; [discriminate | lia]. }
    specialize (IH H').
    set (u := map2 Rmult w (map (hd 0) D)). rewrite <- exchange_row.
    assert (Lu : length u = length J) by (unfold u; rewrite map2_length, map_length; lia).
    rewrite <- (dot_const b Lu).
    transitivity (dot w (map2 (fun x nu => hd 0 nu * (dot row (map (g x) N) + b)
                    + dot (tl nu) (map2 (fun row b => dot row (map (g x) N) + b) W c)) J D)).
    { f_equal. clear - H. revert J; induction H as [|nu D A H I]; intros [|x J]; simpl; try reflexivity. rewrite I. f_equal.
      destruct nu; [discriminate|]. now rewrite dot_cons. }
    rewrite dot_plus, weighed. fold u.
    replace (map2 (fun x nu => dot (tl nu) (map2 (fun row b => dot row (map (g x) N) + b) W c)) J D)
      with (map2 (fun x nu => dot nu (map2 (fun row b => dot row (map (g x) N) + b) W c)) J (map (@tl R) D)).
    2: { clear. revert D; induction J; destruct D; simpl; try reflexivity. now rewrite IHJ. }
    rewrite IH. assert (S0 : dot u (map (fun x => dot row (map (g x) N) + b) J) = dot u (map (fun x => dot row (map (g x) N)) J) + dot u (map (fun _ => b) J)).
    { rewrite <- (Rmult_1_l (dot u (map (fun x => dot row _) J))), <- dot_linear. f_equal. apply map_ext. intro. ring. }
    rewrite S0. ring.
Qed.
End Features.

(** ** What heads can gain from a dual that violates its constraints *)
Lemma row_below {E} (pull room v : E -> R) H N row : 0 <= H -> (forall e, In e N -> Rabs (pull e) <= room e + v e /\ 0 <= v e) ->
  Forall (fun x => Rabs x <= H) row \/ (forall e, In e N -> v e = 0) ->
  - dot (map room N) (map Rabs row) - H * sum (map v N) <= dot row (map pull N).
Proof.
  intros P. revert row; induction N as [|e N IH]; intros row B C.
  - simpl. rewrite dot_nil_l, dot_nil_r. unfold sum; simpl. lra.
  - assert (V : 0 <= sum (map v N)).
    { clear - B. assert (B' : forall x, In x N -> 0 <= v x) by (intros x I; apply (B x (or_intror I))). clear B.
      induction N; simpl; [unfold sum; simpl; lra|]. rewrite sum_cons. pose proof (B' a (or_introl eq_refl)).
      specialize (IHN (fun x I => B' x (or_intror I))). lra. }
    destruct (B e (or_introl eq_refl)) as [B1 B2].
    destruct row as [|x row]; [cbn [map]; rewrite dot_nil_l, dot_nil_r, sum_cons; nra|].
    cbn [map]. rewrite !dot_cons, sum_cons.
    assert (C' : Forall (fun x => Rabs x <= H) row \/ (forall e, In e N -> v e = 0)).
    { destruct C as [C|C]; [inversion_clear C; now left | right; intros y I; apply C; now right]. }
    specialize (IH row (fun y I => B y (or_intror I)) C').
    assert (Rabs x * v e <= H * v e).
    { destruct C as [C|C]; [inversion_clear C; now apply Rmult_le_compat_r | rewrite (C e (or_introl eq_refl)); lra]. }
    pose proof (Rabs_pos x). assert (- (Rabs x * (room e + v e)) <= x * pull e).
    { pose proof (abs_between (Rle_refl (Rabs (x * pull e)))) as [A _]. rewrite Rabs_mult in A.
      assert (Rabs x * Rabs (pull e) <= Rabs x * (room e + v e)) by (now apply Rmult_le_compat_l). lra. }
    nra.
Qed.

Lemma columns_sum {E} (G : E -> R) (M : E -> list R) N row C :
  sum (map2 dot (attach row C) (map (fun e => G e :: M e) N)) = dot row (map G N) + sum (map2 dot C (map M N)) \/ (length row < length C)%nat.
Proof.
  revert row C; induction N as [|e N IH]; intros row C.
  - left. simpl. rewrite dot_nil_r. destruct (attach row C), C; unfold sum; simpl; ring.
  - destruct row as [|x row], C as [|c C]; simpl; try (right; lia).
    + left. rewrite dot_nil_l. unfold sum; simpl; ring.
    + left. destruct (IH row []) as [Q|Q]; [|simpl in Q; lia]. rewrite sum_cons, !dot_cons, dot_nil_l, Q. unfold sum; simpl; ring.
    + destruct (IH row C) as [Q|Q]; [left | right; lia]. rewrite !sum_cons, !dot_cons, Q. ring.
Qed.
Lemma by_columns {E U} (G : U -> E -> R) N : forall W us, length W = length us -> Forall (fun row => length row = length N) W ->
  sum (map2 (fun row u => dot row (map (G u) N)) W us) = sum (map2 dot (columns W) (map (fun e => map (fun u => G u e) us) N)).
Proof.
  induction W as [|row W IH]; intros [|u us] L H; try discriminate; [unfold sum; reflexivity|]. injection L as L. inversion_clear H as [|? ? H1 H2].
  cbn [map2 map columns fold_right]. fold (columns W). rewrite sum_cons, IH by assumption.
  destruct (columns_sum (G u) (fun e => map (fun u => G u e) us) N row (columns W)) as [Q|Q]; [now rewrite Q|].
  exfalso. destruct (columns_length H2) as [->|R]; [simpl in Q; lia | lia].
Qed.
Lemma attach_forall {T} (Q : T -> Prop) row C : Forall Q row -> Forall (Forall Q) C -> Forall (Forall Q) (attach row C).
Proof.
  intro H; revert C; induction H; intros C HC; simpl; [assumption|]. destruct HC; constructor; auto.
Qed.
Lemma columns_forall {T} (Q : T -> Prop) W : Forall (Forall Q) W -> Forall (Forall Q) (columns W).
Proof. induction 1; simpl; [constructor | now apply attach_forall]. Qed.
Lemma attach_heights {T} (row : list T) C n : Forall (fun c => (length c <= n)%nat) C -> Forall (fun c => (length c <= S n)%nat) (attach row C).
Proof.
  revert C; induction row as [|x row IH]; intros C H; simpl.
  - eapply Forall_impl; [|exact H]. simpl. intros; lia.
  - destruct H as [|c C A H]; constructor; simpl; try lia; apply IH; [constructor | assumption].
Qed.
Lemma columns_heights {T} (W : list (list T)) : Forall (fun c => (length c <= length W)%nat) (columns W).
Proof. induction W; simpl; [constructor | now apply attach_heights]. Qed.
Lemma columns_below {E} (pull : E -> list R) (room v : E -> R) H n N C : 0 <= H ->
  (forall e, In e N -> norm (pull e) <= room e + v e /\ 0 <= v e) ->
  (Forall (Forall (fun x => Rabs x <= H)) C \/ (forall e, In e N -> v e = 0)) -> Forall (fun c => (length c <= n)%nat) C ->
  - dot (map room N) (map norm C) - H * (sqrt (INR n) * sum (map v N)) <= sum (map2 dot C (map pull N)).
Proof.
  intros P. revert C; induction N as [|e N IH]; intros C B A L.
  - simpl. rewrite dot_nil_l. destruct C; unfold sum; simpl; lra.
  - pose proof (sqrt_pos (INR n)) as SP.
    assert (V : 0 <= sum (map v N)).
    { clear - B. assert (B' : forall x, In x N -> 0 <= v x) by (intros x I; apply (B x (or_intror I))). clear B.
      induction N; simpl; [unfold sum; simpl; lra|]. rewrite sum_cons. pose proof (B' a (or_introl eq_refl)).
      specialize (IHN (fun x I => B' x (or_intror I))). lra. }
    destruct (B e (or_introl eq_refl)) as [B1 B2]. assert (HS : 0 <= H * sqrt (INR n)) by now apply Rmult_le_pos.
    destruct C as [|c C]; [cbn [map map2]; rewrite dot_nil_r, sum_cons; unfold sum at 2; simpl; nra|].
    cbn [map map2]. rewrite dot_cons, !sum_cons. inversion_clear L as [|? ? L1 L2].
    assert (A' : Forall (Forall (fun x => Rabs x <= H)) C \/ (forall e, In e N -> v e = 0)).
    { destruct A as [A|A]; [inversion_clear A; now left | right; intros y I; apply A; now right]. }
    specialize (IH C (fun y I => B y (or_intror I)) A' L2). pose proof (norm_nonneg c) as NC.
    assert (norm c * v e <= H * sqrt (INR n) * v e).
    { destruct A as [A|A]; [inversion_clear A; apply Rmult_le_compat_r; [assumption | now apply norm_bound] | rewrite (A e (or_introl eq_refl)); lra]. }
    pose proof (cauchy_below c (pull e)). assert (norm c * norm (pull e) <= norm c * (room e + v e)) by (now apply Rmult_le_compat_l). nra.
Qed.

(** ** The bound of all heads *)
Lemma dot_scaled {E} k (f : E -> R) N x : dot (map (fun e => k * f e) N) x = k * dot (map f N) x.
Proof. revert x; induction N; destruct x; simpl; rewrite ?dot_nil_l, ?dot_nil_r, ?dot_cons, ?IHN; ring. Qed.
Lemma map_scaled {E} k (f : E -> R) N : sum (map (fun e => k * f e) N) = k * sum (map f N).
Proof. induction N; simpl; [unfold sum; simpl; ring|]. rewrite !sum_cons, IHN. ring. Qed.
Lemma dot_ones {E} (N : list E) x : length x = length N -> dot (map (fun _ => 1) N) (map Rabs x) = norm1 x.
Proof.
  unfold norm1. revert x; induction N; destruct x; try discriminate; intro L; [reflexivity|]. injection L as L. simpl. rewrite dot_cons, sum_cons, IHN by assumption. ring.
Qed.
(** [F >= -(1/T) sum_j w_j loss_j^*(nu_j) - H V / T] with T the sum of the weights, for the heads h of entries up to H, or of any
    entries where nothing is violated. *)
Section Heads.
Variables (P : problem R) (l : layer R) (K : nat) (D : list (list R)).
Definition total : R := sum (map (@share R) (samples P)).
Definition dual_pulls : list (list R) := pulls (map (@share R) (samples P)) K D.
Definition pull (u e : list R) : R := dot u (map (fun j => sigma (slope P) (neuron (input j) e)) (samples P)).
Definition row_price (e : list R) : R := match penalty_of P with PathNorm | Balanced => norm e | _ => 1 end.
Definition conjugates : list R := map2 (fun j nu => conjugate (loss_of P) (target j) (label j) nu) (samples P) D.
Definition dual_fits : Prop := Forall2 (fun j nu => in_domain (loss_of P) (target j) (label j) nu /\ length nu = K) (samples P) D.
Notation N := (extended_rows l).

Lemma pulls_length w : length (pulls w K D) = K.
Proof. unfold pulls. rewrite map_length. generalize D. induction K; simpl; intro; auto. Qed.
Lemma losses_below h : proper P -> dual_fits -> length (weight h) = K -> length (bias h) = K ->
  sum (map2 (fun row u => dot row (map (pull u) N)) (weight h) dual_pulls) + dot (bias h) (map sum dual_pulls)
    - dot (map (@share R) (samples P)) conjugates
  <= dot (map (@share R) (samples P)) (map (sample_loss P [l; h]) (samples P)).
Proof.
  intros (_ & C & _ & S1 & _) DF LW LB. set (w := map (@share R) (samples P)) in *.
  assert (out : forall j, outputs (slope P) [l; h] (input j) =
            map2 (fun row b => dot row (map (fun e => sigma (slope P) (neuron (input j) e)) N) + b) (weight h) (bias h)).
  { intro j. simpl. unfold affine at 1. now rewrite affine_neuron, map_map. }
  assert (X : dot w (map2 (fun j nu => dot nu (outputs (slope P) [l; h] (input j))) (samples P) D)
              = sum (map2 (fun row u => dot row (map (pull u) N)) (weight h) dual_pulls) + dot (bias h) (map sum dual_pulls)).
  { unfold dual_pulls. rewrite <- LW at 1 2. fold w.
    rewrite <- (@exchange _ _ (fun j e => sigma (slope P) (neuron (input j) e)) w (samples P) D N).
    - f_equal. clear - out. generalize D. induction (samples P) as [|j J IH]; intros [|nu D']; simpl; try reflexivity. now rewrite IH, <- out.
    - unfold w. now rewrite map_length.
    - clear - DF. induction DF; simpl; auto.
    - congruence.
    - rewrite LW. clear - DF. unfold dual_fits in DF. induction DF as [|j nu J D' [_ L] H IH]; constructor; assumption. }
  rewrite <- X. unfold conjugates. clear X. revert S1. unfold w. clear w. unfold dual_fits in DF.
  assert (LO : forall j, length (outputs (slope P) [l; h] (input j)) = K).
  { intro j. rewrite out, map2_length. lia. }
  induction DF as [|j nu J D' [A L] H IH]; intro S1; simpl; [unfold dot, sum; simpl; lra|].
  inversion_clear S1 as [|? ? S2 S3]. specialize (IH S3). simpl in IH. rewrite !dot_cons.
  assert (Y : dot nu (outputs (slope P) [l; h] (input j)) - conjugate (loss_of P) (target j) (label j) nu <= sample_loss P [l; h] j).
  { apply fenchel_young; try assumption. now rewrite LO. }
  apply Rmult_le_compat_l with (r := share j) in Y; [|assumption]. simpl in Y. lra.
Qed.

(** The neurons and the outputs, each by whatever names it: [fe] is the row of a neuron, [fu] the weighted dual of an output. *)
Variables (A B : Type) (us : list A) (es : list B) (fu : A -> list R) (fe : B -> list R).
Hypothesis neurons : N = map fe es.
Lemma rows_below (room : B -> R) v H : 0 <= H -> forall W U, length W = length U ->
  (forall u e, In u U -> In e es -> Rabs (pull (fu u) (fe e)) <= room e + v u e /\ 0 <= v u e) ->
  Forall (Forall (fun x => Rabs x <= H)) W \/ (forall u e, In u U -> In e es -> v u e = 0) ->
  - sum (map (fun row => dot (map room es) (map Rabs row)) W) - H * sum (map (fun u => sum (map (v u) es)) U)
  <= sum (map2 (fun row u => dot row (map (pull u) N)) W (map fu U)).
Proof.
  intros HP W. induction W as [|row W IH]; intros [|u U] L Q C; try discriminate; cbn [map map2]; [unfold sum; simpl; lra|].
  injection L as L. rewrite !sum_cons.
  assert (C1 : Forall (fun x => Rabs x <= H) row \/ (forall e, In e es -> v u e = 0)).
  { destruct C as [C|C]; [inversion_clear C; now left | right; intros e I; apply C; [now left | assumption]]. }
  assert (C2 : Forall (Forall (fun x => Rabs x <= H)) W \/ (forall u e, In u U -> In e es -> v u e = 0)).
  { destruct C as [C|C]; [inversion_clear C; now left | right; intros y e I I'; apply C; [now right | assumption]]. }
  pose proof (@row_below _ (fun e => pull (fu u) (fe e)) room (v u) H es row HP (fun e I => Q u e (or_introl eq_refl) I) C1) as X.
  specialize (IH U L (fun y e I I' => Q y e (or_intror I) I') C2). rewrite neurons at 1. rewrite map_map. lra.
Qed.

Variables (with_bias : bool) (limit : option R) (h : layer R).
Hypothesis P_proper : proper P.
Hypothesis no_price : match penalty_of P with NoPenalty => kappa P = 0 | WeightDecay => False | Balanced => bias_priced P = false | _ => True end.
Hypothesis fits : dual_fits.
Hypothesis rows_fit : length (bias l) = length (weight l).
Hypothesis among : head_of (length (weight l)) K with_bias limit h.
Hypothesis limit_nonneg : match limit with Some H => 0 <= H | None => True end.
Definition reach : R := match limit with Some H => H | None => 0 end.
Definition bias_room : R := if bias_priced P then total * kappa P else 0.

(** Violations: of neuron e at output u; of neuron e at all outputs together, in the balanced form; of the output bias at output u. *)
Hypothesis outputs_named : dual_pulls = map fu us.
Variables (v : A -> B -> R) (vc : B -> R) (vb : A -> R).
Definition violations : R :=
  match penalty_of P with Balanced => sqrt (INR K) * sum (map vc es) | _ => sum (map (fun u => sum (map (v u) es)) us) end
  + (if with_bias then sum (map vb us) else 0).
Hypothesis pulls_bounded :
  match penalty_of P with
  | Balanced => forall e, In e es -> norm (map (fun u => pull (fu u) (fe e)) us) <= total * kappa P * row_price (fe e) + vc e /\ 0 <= vc e
  | _ => forall u e, In u us -> In e es -> Rabs (pull (fu u) (fe e)) <= total * kappa P * row_price (fe e) + v u e /\ 0 <= v u e
  end.
Hypothesis bias_bounded : with_bias = true -> forall u, In u us -> Rabs (sum (fu u)) <= bias_room + vb u /\ 0 <= vb u.
Hypothesis none_without_limit : limit = None ->
  (match penalty_of P with Balanced => forall e, In e es -> vc e = 0 | _ => forall u e, In u us -> In e es -> v u e = 0 end) /\
  (with_bias = true -> forall u, In u us -> vb u = 0).

Theorem head_below : - dot (map (@share R) (samples P)) conjugates - reach * violations <= total * F P [l; h].
Proof.
  destruct among as (LW & LR & LB & NB & LIM). pose proof P_proper as (_ & _ & KP & S1 & S2). fold total in S2.
  pose proof (losses_below P_proper fits LW LB) as LOSS.
  assert (HR : 0 <= reach) by (unfold reach; destruct limit; lra).
  assert (LN : length N = length (weight l)) by (unfold extended_rows; rewrite map2_length; lia).
  assert (RL : Forall (fun row => length row = length N) (weight h)) by (now rewrite LN).
  assert (LU : length (weight h) = length dual_pulls) by (unfold dual_pulls; now rewrite pulls_length).
  assert (LS : length (weight h) = length us) by (now rewrite LU, outputs_named, map_length).
  assert (TK : 0 <= total * kappa P) by (apply Rmult_le_pos; lra).
  (* The output bias. *)
  assert (BIAS : - (bias_room * norm1 (bias h)) - reach * (if with_bias then sum (map vb us) else 0) <= dot (bias h) (map sum dual_pulls)).
  { destruct with_bias.
    - assert (BC : Forall (fun x => Rabs x <= reach) (bias h) \/ (forall u, In u us -> vb u = 0)).
      { unfold reach. destruct limit; [left; apply LIM | right; now apply none_without_limit]. }
      pose proof (@row_below _ (fun u => sum (fu u)) (fun _ => bias_room * 1) vb reach us (bias h) HR) as Q. rewrite dot_scaled, dot_ones in Q by congruence.
      rewrite outputs_named, map_map. apply Q; [|assumption]. intros u I. rewrite Rmult_1_r. now apply bias_bounded.
    - specialize (NB eq_refl). assert (Z : dot (bias h) (map sum dual_pulls) = 0 /\ norm1 (bias h) = 0).
      { clear - NB. generalize (map sum dual_pulls). unfold norm1. induction NB as [|x c -> NB IH]; intro s; simpl; [now rewrite dot_nil_l|].
        rewrite sum_cons, Rabs_R0. destruct s as [|y s]; [rewrite dot_nil_r; destruct (IH []); lra|]. rewrite dot_cons. destruct (IH s). lra. }
      destruct Z as [-> ->]. lra. }
  (* The head. *)
  assert (HEAD : - (total * (kappa P * (penalty_value (penalty_of P) (bias_priced P) [l; h] - bias_price (bias_priced P) [l; h])))
      - reach * (match penalty_of P with Balanced => sqrt (INR K) * sum (map vc es) | _ => sum (map (fun u => sum (map (v u) es)) us) end)
      <= sum (map2 (fun row u => dot row (map (pull u) N)) (weight h) dual_pulls)).
  { assert (SEP : (forall u e, In u us -> In e es -> Rabs (pull (fu u) (fe e)) <= total * kappa P * row_price (fe e) + v u e /\ 0 <= v u e) ->
        (limit = None -> forall u e, In u us -> In e es -> v u e = 0) ->
        - (total * kappa P * sum (map (fun row => dot (map row_price N) (map Rabs row)) (weight h)))
        - reach * sum (map (fun u => sum (map (v u) es)) us) <= sum (map2 (fun row u => dot row (map (pull u) N)) (weight h) dual_pulls)).
    { intros Q0 Z0. rewrite <- map_scaled, outputs_named.
      pose proof (@rows_below (fun e => total * kappa P * row_price (fe e)) v reach HR (weight h) us LS Q0) as Q.
      replace (map (fun row => dot (map (fun e => total * kappa P * row_price (fe e)) es) (map Rabs row)) (weight h))
        with (map (fun row => total * kappa P * dot (map row_price N) (map Rabs row)) (weight h)) in Q
        by (apply map_ext; intro; now rewrite neurons, map_map, <- dot_scaled).
      apply Q. unfold reach. destruct limit; [left; apply LIM | right; now apply Z0]. }
    destruct (penalty_of P) eqn:EQ; try contradiction; cbn [penalty_value last weight hd] in *.
    - specialize (SEP pulls_bounded (fun X => proj1 (none_without_limit X))). rewrite no_price in *. lra.
    - specialize (SEP pulls_bounded (fun X => proj1 (none_without_limit X))). unfold row_price in SEP. rewrite EQ in SEP.
      replace (sum (map norm1 (weight h))) with (sum (map (fun row => dot (map (fun _ : list R => 1) N) (map Rabs row)) (weight h))).
      { unfold bias_price in *. lra. }
      f_equal. clear - RL. induction RL; simpl; [reflexivity|]. rewrite IHRL. f_equal. now apply dot_ones.
    - specialize (SEP pulls_bounded (fun X => proj1 (none_without_limit X))). unfold row_price in SEP. rewrite EQ in SEP.
      assert (RL' : Forall (fun row => length row = length (map norm N)) (weight h)) by (now rewrite map_length).
      rewrite (proj1 (column_norms1_dot RL')). unfold bias_price in *. change (map (fun e => norm e) N) with (map norm N) in SEP. lra.
    - rewrite (by_columns pull LU RL). rewrite neurons at 2. rewrite map_map, outputs_named.
      pose proof (@columns_below _ (fun e => map (fun u => pull u (fe e)) (map fu us)) (fun e => total * kappa P * row_price (fe e)) vc reach K es (columns (weight h)) HR) as Q.
      rewrite dot_scaled in Q. unfold row_price in Q at 2. rewrite EQ in Q.
      replace (map (fun e => norm (fe e)) es) with (map norm N) in Q by (now rewrite neurons, map_map).
      rewrite no_price in *. unfold bias_price.
      assert (WC' : Forall (Forall (fun x => Rabs x <= reach)) (columns (weight h)) \/ (forall e, In e es -> vc e = 0)).
      { unfold reach. destruct limit; [left; now apply columns_forall | right; now apply none_without_limit]. }
      pose proof (columns_heights (weight h)) as CH. rewrite LW in CH.
      assert (Q' := fun H => Q H WC' CH). clear Q. match type of Q' with ?X -> _ => assert (Y : X) end.
      { intros e I. rewrite map_map. now apply pulls_bounded. }
      specialize (Q' Y). lra. }
  assert (E : total * F P [l; h] = dot (map (@share R) (samples P)) (map (sample_loss P [l; h]) (samples P))
                 + total * (kappa P * penalty_value (penalty_of P) (bias_priced P) [l; h])).
  { unfold F, mean. fold total. field. lra. }
  rewrite E. unfold violations.
  assert (PB : bias_room * norm1 (bias h) = total * (kappa P * (bias_price (bias_priced P) [l; h]))).
  { unfold bias_room, bias_price. cbn [last bias]. destruct (bias_priced P); ring. }
  lra.
Qed.
End Heads.
