(** * The lower bound of all continuous paths (docs/mathematics.md, section 8): finitely many closed cells cover the parameters, two that share
    a point are joined by a chain of adjacent ones around it, and a path from one side to the other passes a face *)
From Coq Require Import Reals List ZArith Bool Lia Lra Classical.
From Proofs Require Import Spec Convex Scaling.
Import ListNotations.
Set Implicit Arguments.
Unset Strict Implicit.
Open Scope R_scope.

(** ** Closed sets of times *)
Definition closed (A : R -> Prop) : Prop :=
  forall t, within t -> ~ A t -> exists d, 0 < d /\ forall r, within r -> Rabs (r - t) < d -> ~ A r.
Lemma closed_or A B : closed A -> closed B -> closed (fun t => A t \/ B t).
Proof.
  intros HA HB t W N. destruct (HA t W) as (d & D & H); [tauto|]. destruct (HB t W) as (d' & D' & H'); [tauto|].
  exists (Rmin d d'). split; [now apply Rmin_pos|]. intros r Wr L. pose proof (Rmin_l d d'). pose proof (Rmin_r d d').
  intros [Q|Q]; [apply (H r) | apply (H' r)]; trivial; lra.
Qed.
Lemma closed_and A B : closed A -> closed B -> closed (fun t => A t /\ B t).
Proof.
  intros HA HB t W N. destruct (classic (A t)) as [QA|QA].
  - destruct (HB t W) as (d & D & H); [tauto|]. exists d. split; [assumption|]. intros r Wr L [_ Q]. now apply (H r).
  - destruct (HA t W QA) as (d & D & H). exists d. split; [assumption|]. intros r Wr L [Q _]. now apply (H r).
Qed.
Lemma closed_some {T} (A : T -> R -> Prop) (u : list T) : (forall x, In x u -> closed (A x)) -> closed (fun t => exists x, In x u /\ A x t).
Proof.
  induction u as [|x u IH]; intro H.
  - intros t _ _. exists 1. split; [lra|]. intros r _ _ (x & [] & _).
  - assert (C := closed_or (H x (or_introl eq_refl)) (IH (fun y I => H y (or_intror I)))). intros t W N. destruct (C t W) as (d & D & Q).
    + intros [X|(y & I & X)]; apply N; [exists x; split; [now left | assumption] | exists y; split; [now right | assumption]].
    + exists d. split; [assumption|]. intros r Wr L (y & [<-|I] & X); apply (Q r Wr L); [now left | right; now exists y].
Qed.
Lemma closed_ext A B : (forall t, A t <-> B t) -> closed A -> closed B.
Proof. intros E H t W N. destruct (H t W) as (d & D & Q); [now rewrite E|]. exists d. split; [assumption|]. intros r Wr L. rewrite <- E. now apply Q. Qed.

(** The unit interval is connected. *)
Theorem last_time A B : closed A -> closed B -> (forall t, within t -> A t \/ B t) -> A 0 -> B 1 -> exists t, within t /\ A t /\ B t.
Proof.
  intros HA HB C A0 B1. set (E := fun t => within t /\ A t).
  destruct (completeness E) as (m & M1 & M2).
  - exists 1. intros t [[_ T] _]. exact T.
  - exists 0. split; [unfold within; lra | assumption].
  - assert (Wm : within m).
    { split; [apply M1; split; [unfold within; lra | assumption] | apply M2; intros t [[_ T] _]; exact T]. }
    assert (Am : A m).
    { apply NNPP. intro N. destruct (HA m Wm N) as (d & D & Q). assert (is_upper_bound E (m - d)); [|specialize (M2 _ H); lra].
      intros t T. pose proof (M1 t T) as L. destruct (Rle_dec t (m - d)); [assumption|]. exfalso. destruct T as [Wt At]. apply (Q t Wt); [|assumption].
      apply Rabs_def1; lra. }
    exists m. split; [assumption|]. split; [assumption|]. destruct (Req_dec m 1) as [->|N1]; [assumption|].
    apply NNPP. intro N. destruct (HB m Wm N) as (d & D & Q). destruct Wm as [W1 W2]. set (r := m + Rmin (d / 2) (1 - m)).
    pose proof (Rmin_l (d / 2) (1 - m)). pose proof (Rmin_r (d / 2) (1 - m)). assert (P : 0 < Rmin (d / 2) (1 - m)) by (apply Rmin_pos; lra).
    assert (Wr : within r) by (unfold r, within; lra). apply (Q r Wr); [unfold r; apply Rabs_def1; lra|].
    destruct (C r Wr) as [Ar|Br]; [|assumption]. exfalso. pose proof (M1 r (conj Wr Ar)) as L. unfold r in L. lra.
Qed.

(** Continuous functions of time. *)
Lemma continuous_plus f g : continuous f -> continuous g -> continuous (fun t => f t + g t).
Proof.
  intros Hf Hg t W e P. destruct (Hf t W (e / 2)) as (d & D & Q); [lra|]. destruct (Hg t W (e / 2)) as (d' & D' & Q'); [lra|].
  exists (Rmin d d'). split; [now apply Rmin_pos|]. intros r Wr L. pose proof (Rmin_l d d'). pose proof (Rmin_r d d').
  replace (f r + g r - (f t + g t)) with ((f r - f t) + (g r - g t)) by ring. eapply Rle_lt_trans; [apply Rabs_triang|].
  pose proof (Q r Wr ltac:(lra)). pose proof (Q' r Wr ltac:(lra)). lra.
Qed.
Lemma continuous_const c : continuous (fun _ => c).
Proof. intros t W e P. exists 1. split; [lra|]. intros r _ _. rewrite Rminus_diag_eq, Rabs_R0 by reflexivity. exact P. Qed.
Lemma continuous_scale a f : continuous f -> continuous (fun t => a * f t).
Proof.
  intros H t W e P. destruct (H t W (e / (Rabs a + 1))) as (d & D & Q); [pose proof (Rabs_pos a); apply Rdiv_lt_0_compat; lra|].
  exists d. split; [assumption|]. intros r Wr L. rewrite <- Rmult_minus_distr_l, Rabs_mult. specialize (Q r Wr L).
  pose proof (Rabs_pos a). pose proof (Rabs_pos (f r - f t)).
  apply Rle_lt_trans with ((Rabs a + 1) * Rabs (f r - f t)); [nra|].
  apply Rmult_lt_compat_l with (r := Rabs a + 1) in Q; [|lra]. replace ((Rabs a + 1) * (e / (Rabs a + 1))) with e in Q by (field; lra). exact Q.
Qed.
Lemma closed_nonneg f : continuous f -> closed (fun t => 0 <= f t).
Proof.
  intros H t W N. destruct (H t W (- f t)) as (d & D & Q); [lra|]. exists d. split; [assumption|]. intros r Wr L P. specialize (Q r Wr L).
  apply Rabs_def2 in Q. lra.
Qed.
Lemma closed_zero f : continuous f -> closed (fun t => f t = 0).
Proof.
  intro H. apply closed_ext with (fun t => 0 <= f t /\ 0 <= -1 * f t); [intro t; split; intros; lra|].
  apply closed_and; apply closed_nonneg; [assumption | now apply continuous_scale].
Qed.

(** ** Cones of activation patterns: one bit per sample, 1 where the pre-activation is not below 0 *)
Definition nil (x : list R) : Prop := Forall (fun z => z = 0) x.
Definition on_side (b : bool) (z : R) : Prop := if b then 0 <= z else z <= 0.
Definition off_side (b : bool) (z : R) : Prop := if b then 0 < z else z < 0.
Section Cones.
Variables (n : nat) (X : list (list R)).
Hypothesis X_length : Forall (fun x => length x = n) X.
Definition in_cone (a : list bool) (u : list R) : Prop := Forall2 (fun b x => on_side b (dot x u)) a X.
(** A point that no hyperplane holds; bits at inputs that are 0 are 0. *)
Definition in_interior (a : list bool) (u : list R) : Prop := Forall2 (fun b x => (nil x /\ b = false) \/ (~ nil x /\ off_side b (dot x u))) a X.
Definition chamber (a : list bool) : Prop := exists p, length p = n /\ in_interior a p.
Definition parallel (x y : list R) : Prop := exists c, c <> 0 /\ y = map (Rmult c) x.
(** From a to b the bits of one class of parallel inputs flip, and no others. *)
Definition crosses (a b : list bool) : Prop := exists x, In x X /\ ~ nil x /\
  Forall2 (fun ab y => parallel x y /\ snd ab = negb (fst ab) \/ ~ parallel x y /\ snd ab = fst ab) (combine a b) X.

Lemma nil_dot x u : nil x -> dot x u = 0.
Proof. intro H. revert u; induction H as [|z x -> H IH]; intros [|y u]; rewrite ?dot_nil_l, ?dot_nil_r; try reflexivity. rewrite dot_cons, IH. ring. Qed.
Lemma not_nil_dot x : ~ nil x -> 0 < dot x x.
Proof.
  intro N. destruct (dot_self_nonneg x) as [H|H]; [exact H|]. elim N. apply norm_zero. unfold norm. rewrite <- H. apply sqrt_0.
Qed.
Definition line (t : R) (p q : list R) : list R := map2 (lerp t) p q.
Lemma line_length t p q : length p = n -> length q = n -> length (line t p q) = n.
Proof. intros A B. unfold line. rewrite map2_length. lia. Qed.
Lemma dot_line t x p q : length p = n -> length q = n -> dot x (line t p q) = lerp t (dot x p) (dot x q).
Proof. intros A B. apply dot_lerp_r. congruence. Qed.

(** Near p, on the way to q, no sign changes, and a 0 takes q's sign. *)
Lemma small_step (V : list (list R)) p q : exists d, 0 < d <= 1 /\ forall e, 0 < e < d -> forall v, In v V ->
  (0 < dot v p -> 0 < lerp e (dot v p) (dot v q)) /\ (dot v p < 0 -> lerp e (dot v p) (dot v q) < 0) /\
  (dot v p = 0 -> dot v q <> 0 -> lerp e (dot v p) (dot v q) <> 0).
Proof.
  induction V as [|v V (d & D & IH)]; [exists 1; split; [lra | easy]|].
  set (a := dot v p). set (b := dot v q).
  assert (one : exists d, 0 < d <= 1 /\ forall e, 0 < e < d -> (0 < a -> 0 < lerp e a b) /\ (a < 0 -> lerp e a b < 0) /\ (a = 0 -> b <> 0 -> lerp e a b <> 0)).
  { destruct (Req_dec a 0) as [Z|N].
    - exists 1. split; [lra|]. intros e E. rewrite Z. unfold lerp. split; [lra|]. split; [lra|]. intros _ B Q. assert (Q' : e * b = 0) by lra. apply Rmult_integral in Q' as [Q'|Q']; lra.
    - set (k := Rabs a / (Rabs a + Rabs b + 1)). pose proof (Rabs_pos b) as PB. assert (PA : 0 < Rabs a) by now apply Rabs_pos_lt.
      assert (K : 0 < k <= 1).
      { unfold k. split; [apply Rdiv_lt_0_compat; lra|]. apply Rmult_le_reg_r with (Rabs a + Rabs b + 1); [lra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l; lra. }
      exists k. split; [exact K|]. intros e [E1 E2].
      assert (Q : e * (Rabs a + Rabs b + 1) < Rabs a).
      { apply Rmult_lt_compat_r with (r := Rabs a + Rabs b + 1) in E2; [|lra]. unfold k, Rdiv in E2. rewrite Rmult_assoc, Rinv_l in E2; lra. }
      unfold lerp. unfold Rabs in *. destruct (Rcase_abs a), (Rcase_abs b); (split; [|split]); intros; nra. }
  destruct one as (d' & D' & H). exists (Rmin d d'). pose proof (Rmin_l d d'). pose proof (Rmin_r d d'). split; [split; [apply Rmin_pos; lra | lra]|].
  intros e E y [<-|I]; [apply H; lra | apply IH; [lra | assumption]].
Qed.
(** A point outside finitely many hyperplanes. *)
Lemma generic_point (V : list (list R)) : Forall (fun v => length v = n /\ ~ nil v) V -> exists w, length w = n /\ forall v, In v V -> dot v w <> 0.
Proof.
  induction 1 as [|v V [L N] H (w & LW & IH)]; [exists (repeat 0 n); split; [apply repeat_length | easy]|].
  destruct (small_step (v :: V) w v) as (d & D & S). exists (line (d / 2) w v). split; [now apply line_length|].
  intros y I. rewrite dot_line by assumption. destruct (S (d / 2) ltac:(lra) y I) as (S1 & S2 & S3).
  destruct (Rtotal_order (dot y w) 0) as [Q|[Q|Q]]; [specialize (S2 Q); lra | | specialize (S1 Q); lra].
  apply S3; [assumption|]. destruct I as [<-|I]; [pose proof (not_nil_dot N); lra | now elim (IH y I)].
Qed.

(** *** The cones of chambers cover *)
Lemma not_nil_filter Y : Forall (fun x => length x = n) Y ->
  exists V, Forall (fun v => length v = n /\ ~ nil v) V /\ forall x, In x Y -> ~ nil x -> In x V.
Proof.
  induction 1 as [|x Y L H (V & V1 & V2)].
  - exists []. split; [apply Forall_nil | intros x []].
  - destruct (classic (nil x)) as [Q|Q].
    + exists V. split; [assumption|]. intros y [<-|I] N; [easy | now apply V2].
    + exists (x :: V). split; [apply Forall_cons; [now split | assumption]|]. intros y [<-|I] N; [now left | right; now apply V2].
Qed.
Definition bit (x p : list R) : bool := if Rlt_dec 0 (dot x p) then true else false.
Definition pattern (p : list R) : list bool := map (fun x => bit x p) X.
Definition generic (p : list R) : Prop := length p = n /\ forall x, In x X -> ~ nil x -> dot x p <> 0.
Lemma pattern_interior p : generic p -> in_interior (pattern p) p.
Proof.
  intros [_ G]. unfold in_interior, pattern. revert G. generalize X. intro Y. induction Y as [|x Y IH]; intro G; simpl; constructor.
  - unfold bit. destruct (classic (nil x)) as [N|N].
    + left. split; [assumption|]. rewrite (nil_dot p N). destruct (Rlt_dec 0 0); [lra | reflexivity].
    + right. split; [assumption|]. pose proof (G x (or_introl eq_refl) N). destruct (Rlt_dec 0 (dot x p)); simpl; lra.
  - apply IH. intros y I. apply G. now right.
Qed.
Lemma cones_cover u : length u = n -> exists a, chamber a /\ in_cone a u.
Proof.
  intro L. destruct (not_nil_filter X_length) as (V & V1 & V2). destruct (generic_point V1) as (w & LW & GW). destruct (small_step X u w) as (d & D & S).
  set (p := line (d / 2) u w). assert (LP : length p = n) by now apply line_length.
  assert (G : generic p).
  { split; [assumption|]. intros x I N. unfold p. rewrite dot_line by assumption. destruct (S (d / 2) ltac:(lra) x I) as (S1 & S2 & S3).
    destruct (Rtotal_order (dot x u) 0) as [Q|[Q|Q]]; [specialize (S2 Q); lra | apply S3; [assumption | now apply GW, V2] | specialize (S1 Q); lra]. }
  exists (pattern p). split; [exists p; split; [assumption | now apply pattern_interior]|].
  unfold in_cone, pattern. assert (S' := S (d / 2) ltac:(lra)). clear - S' LW L. revert S'. unfold p. generalize X. intro Y. induction Y as [|x Y IH]; intro S'; simpl; constructor.
  - destruct (S' x (or_introl eq_refl)) as (S1 & S2 & _). unfold bit. rewrite dot_line by assumption. simpl.
    destruct (Rlt_dec 0 (lerp (d / 2) (dot x u) (dot x w))) as [Q|Q]; simpl; destruct (Rtotal_order (dot x u) 0) as [T|[T|T]];
      try specialize (S2 T); try specialize (S1 T); lra.
  - apply IH. intros y I. apply S'. now right.
Qed.
Lemma interior_pattern a p : in_interior a p -> a = pattern p.
Proof.
  clear X_length. unfold in_interior, pattern. induction 1 as [|b x a Y H H' IH]; simpl; [reflexivity|]. f_equal; [|exact IH]. unfold bit.
  destruct H as [[N ->]|[N H]]; [rewrite (nil_dot p N); destruct (Rlt_dec 0 0); [lra | reflexivity]|].
  destruct b; simpl in H; destruct (Rlt_dec 0 (dot x p)); try reflexivity; lra.
Qed.
Lemma interior_generic a p : length p = n -> in_interior a p -> generic p.
Proof.
  intros L H. split; [assumption|]. clear L X_length. unfold in_interior in H. induction H as [|b x a Y H H' IH]; [easy|]. intros y [<-|I] N; [|now apply IH].
  destruct H as [[Q _]|[_ H]]; [easy|]. destruct b; simpl in H; lra.
Qed.

(** *** General position *)
Definition combination (x y p : list R) : list R := map2 (fun a b => dot x p * b - dot y p * a) x y.
Lemma dot_combination x y p q : length x = length y -> dot (combination x y p) q = dot x p * dot y q - dot y p * dot x q.
Proof.
  unfold combination. generalize (dot x p) (dot y p). intros k c. revert y q. induction x as [|a x IH]; intros [|b y] [|z q] L; try discriminate; simpl; rewrite ?dot_nil_l, ?dot_nil_r; try ring.
  rewrite !dot_cons, IH by (injection L; auto). ring.
Qed.
Lemma nil_combination x y p : length x = length y -> dot x p <> 0 -> dot y p <> 0 -> nil (combination x y p) -> parallel x y.
Proof.
  intros L A B N. exists (dot y p / dot x p). split; [unfold Rdiv; apply Rmult_integral_contrapositive_currified; [assumption | now apply Rinv_neq_0_compat]|].
  revert N A B. unfold combination. generalize (dot x p) (dot y p). intros k c N A _. revert y L N. induction x as [|a x IH]; intros [|b y] L N; try discriminate; [reflexivity|].
  simpl in *. inversion_clear N as [|? ? N1 N2]. f_equal; [|apply IH; [now injection L | assumption]]. apply Rmult_eq_reg_l with k; [|assumption]. field_simplify; [lra | assumption].
Qed.
Lemma length_in x : In x X -> length x = n.
Proof. intro I. now apply (proj1 (Forall_forall _ _) X_length). Qed.
Lemma general_position a b : chamber a -> chamber b -> exists p q, length p = n /\ length q = n /\ in_interior a p /\ in_interior b q /\
  forall x y, In x X -> In y X -> ~ nil x -> ~ nil y -> dot x p * dot y q = dot y p * dot x q -> parallel x y.
Proof.
  intros (p & LP & HP) (q0 & LQ & HQ). pose proof (interior_generic LP HP) as [_ GP]. pose proof (interior_generic LQ HQ) as [_ GQ].
  set (V0 := flat_map (fun x => map (fun y => combination x y p) X) X).
  assert (L0 : Forall (fun v => length v = n) V0).
  { apply Forall_forall. intros v I. apply in_flat_map in I as (x & Ix & I). apply in_map_iff in I as (y & <- & Iy). unfold combination.
    rewrite map2_length, (length_in Ix), (length_in Iy). lia. }
  destruct (not_nil_filter L0) as (V & V1 & V2). destruct (generic_point V1) as (w & LW & GW). destruct (small_step (X ++ V) q0 w) as (d & D & S).
  set (q := line (d / 2) q0 w). exists p, q. assert (Lq : length q = n) by now apply line_length.
  assert (T := S (d / 2) ltac:(lra)). repeat split; try assumption.
  - unfold in_interior in *. assert (T' : forall v, In v X -> (0 < dot v q0 -> 0 < lerp (d / 2) (dot v q0) (dot v w)) /\ (dot v q0 < 0 -> lerp (d / 2) (dot v q0) (dot v w) < 0)).
    { intros v I. destruct (T v (in_or_app _ _ _ (or_introl I))) as (T1 & T2 & _). now split. }
    clear - HQ T' LQ LW. induction HQ as [|c x a Y H H' IH]; constructor; [|apply IH; intros v I; apply T'; now right].
    destruct H as [H|[N H]]; [now left | right]. split; [assumption|]. unfold q. rewrite dot_line by assumption. destruct (T' x (or_introl eq_refl)) as [T1 T2]. destruct c; simpl in *; auto.
  - intros x y Ix Iy Nx Ny E. apply NNPP. intro NP. assert (LE : length x = length y) by (now rewrite (length_in Ix), (length_in Iy)).
    assert (NC : ~ nil (combination x y p)) by (intro N; apply NP; apply (nil_combination LE (GP x Ix Nx) (GP y Iy Ny) N)).
    assert (IV : In (combination x y p) V).
    { apply V2; [|assumption]. apply in_flat_map. exists x. split; [assumption|]. apply in_map_iff. now exists y. }
    destruct (T _ (in_or_app X V _ (or_intror IV))) as (T1 & T2 & T3).
    assert (Z : dot (combination x y p) q = 0) by (rewrite dot_combination by assumption; lra). unfold q in Z. rewrite dot_line in Z by assumption.
    destruct (Rtotal_order (dot (combination x y p) q0) 0) as [Q|[Q|Q]]; [specialize (T2 Q); lra | apply (T3 Q); [now apply GW | assumption] | specialize (T1 Q); lra].
Qed.

(** *** Chambers around z are joined by crossings of hyperplanes that hold z *)
Inductive walk (z : list R) : list bool -> list bool -> Prop :=
| walk_here a : walk z a a
| walk_across a b c : chamber a -> chamber b -> in_cone a z -> in_cone b z -> crosses a b -> walk z b c -> walk z a c.

Section Line.
Variables (p q z : list R).
Hypothesis LP : length p = n.
Hypothesis LQ : length q = n.
Hypothesis GP : generic p.
Hypothesis GQ : generic q.
Hypothesis position : forall x y, In x X -> In y X -> ~ nil x -> ~ nil y -> dot x p * dot y q = dot y p * dot x q -> parallel x y.
Hypothesis zp : in_cone (pattern p) z.
Hypothesis zq : in_cone (pattern q) z.
Definition value (t : R) (x : list R) : R := lerp t (dot x p) (dot x q).
Lemma value_line t x : dot x (line t p q) = value t x. Proof. now apply dot_line. Qed.
Lemma z_between t : within t -> in_cone (pattern (line t p q)) z.
Proof.
  intros [W1 W2]. unfold in_cone, pattern in *. revert zp zq. assert (E : forall x, bit x (line t p q) = if Rlt_dec 0 (value t x) then true else false) by (intro x; unfold bit; now rewrite value_line).
  clear position GP GQ X_length. induction X as [|x Y IH]; simpl; intros H K; [constructor|]. inversion_clear H as [|? ? ? ? H1 H2]. inversion_clear K as [|? ? ? ? K1 K2].
  constructor; [|now apply IH]. rewrite E. unfold bit in *. unfold value, lerp.
  destruct (Rlt_dec 0 (dot x p)), (Rlt_dec 0 (dot x q)), (Rlt_dec 0 ((1 - t) * dot x p + t * dot x q)); simpl in *; try assumption; exfalso; nra.
Qed.
(** Inputs whose hyperplane is still to be crossed. *)
Definition left_over (t : R) : list (list R) := filter (fun x => if Rlt_dec (value t x * dot x q) 0 then true else false) X.
Lemma left_over_in t x : In x (left_over t) <-> In x X /\ value t x * dot x q < 0.
Proof. unfold left_over. rewrite filter_In. destruct (Rlt_dec (value t x * dot x q) 0); split; intros [A B]; (split; [assumption | try assumption; try reflexivity; try discriminate; lra]). Qed.
Lemma filter_fewer {A} (f g : A -> bool) Y x : (forall y, f y = true -> g y = true) -> In x Y -> g x = true -> f x = false -> (length (filter f Y) < length (filter g Y))%nat.
Proof.
  intros H. assert (le : forall Y, (length (filter f Y) <= length (filter g Y))%nat).
  { intro U. induction U as [|y U IH]; simpl; [lia|]. destruct (f y) eqn:Fy; [rewrite (H y Fy); simpl; lia|]. destruct (g y); simpl; lia. }
  induction Y as [|y Y IH]; intros I G Fx; [easy|]. simpl. destruct I as [-> | I].
  - rewrite G, Fx. simpl. specialize (le Y). lia.
  - specialize (IH I G Fx). destruct (f y) eqn:Fy; [rewrite (H y Fy); simpl; lia|]. destruct (g y); simpl; lia.
Qed.
Definition crossing (x : list R) : R := dot x p / (dot x p - dot x q).
Lemma first_crossing (Y : list (list R)) x0 : exists x, In x (x0 :: Y) /\ forall y, In y (x0 :: Y) -> crossing x <= crossing y.
Proof.
  revert x0. induction Y as [|y Y IH]; intro x0; [exists x0; split; [now left|]; intros y [<-|[]]; lra|].
  destruct (IH y) as (x & I & M). destruct (Rle_dec (crossing x0) (crossing x)) as [L|L].
  - exists x0. split; [now left|]. intros u [<-|J]; [lra|]. specialize (M u J). lra.
  - exists x. split; [now right|]. intros u [<-|J]; [lra | now apply M].
Qed.
Theorem walk_line k : forall t, 0 <= t < 1 -> generic (line t p q) -> (length (left_over t) <= k)%nat -> walk z (pattern (line t p q)) (pattern q).
Proof.
  induction k as [|k IH]; intros t [T0 T1] G LK.
  - assert (E : left_over t = []) by (apply length_zero_iff_nil; lia).
    replace (pattern (line t p q)) with (pattern q); [apply walk_here|]. unfold pattern. apply map_ext_in. intros x I.
    assert (N : ~ In x (left_over t)) by (rewrite E; easy). rewrite left_over_in in N. destruct G as [_ G]. destruct GQ as [_ GQ']. unfold bit. rewrite value_line.
    destruct (classic (nil x)) as [Q|Q]; [unfold value; rewrite !(nil_dot _ Q), lerp_0; reflexivity|].
    specialize (G x I Q). specialize (GQ' x I Q). rewrite value_line in G. destruct (Rlt_dec 0 (dot x q)), (Rlt_dec 0 (value t x)); try reflexivity; elim N; (split; [assumption|]); nra.
  - destruct (left_over t) as [|x0 Y] eqn:E; [apply IH; [lra | assumption | rewrite E; simpl; lia]|].
    destruct (first_crossing Y x0) as (x & Ix & M). rewrite <- E in Ix, M. apply left_over_in in Ix as [Ix Rx].
    assert (signs : forall y, value t y * dot y q < 0 -> dot y p * dot y q < 0 /\ dot y p * value t y > 0).
    { intros y H. set (al := dot y p) in *. set (be := dot y q) in *. pose proof (Rle_0_sqr be) as SQ. unfold Rsqr in SQ.
      assert (A : al * be < 0).
      { assert (A : (1 - t) * (al * be) < 0).
        { replace ((1 - t) * (al * be)) with (value t y * be - t * (be * be)) by (unfold al, be, value, lerp; ring). nra. }
        apply Rnot_le_lt. intro N. assert (0 <= (1 - t) * (al * be)) by (apply Rmult_le_pos; lra). lra. }
      split; [exact A|]. assert (B : 0 < (al * value t y) * (be * be)) by (replace (al * value t y * (be * be)) with ((al * be) * (value t y * be)) by ring; nra).
      apply Rnot_le_gt. intro N. nra. }
    destruct (signs x Rx) as [Sx Vx]. set (T := crossing x) in *.
    assert (Dx : dot x p - dot x q <> 0) by nra.
    assert (VT : value T x = 0) by (unfold value, lerp, T, crossing; field; assumption).
    assert (HT : t < T < 1).
    { assert (TE : T * (dot x p - dot x q) = dot x p) by (unfold T, crossing; field; assumption). unfold value, lerp in *. split; nra. }
    assert (Nx : ~ nil x) by (intro Q; rewrite !(nil_dot _ Q) in Sx; lra).
    destruct (small_step X (line T p q) q) as (d & D & S). set (e := d / 2). assert (He : 0 < e < d) by (unfold e; lra). set (r := lerp e T 1).
    assert (Hr : T < r < 1) by (unfold r, lerp; nra).
    assert (step : forall y, value r y = lerp e (value T y) (dot y q)) by (intro y; unfold value, r, lerp; ring).
    assert (between : forall y, exists c, 0 < c < 1 /\ value r y = lerp c (value t y) (dot y q)).
    { intro y. exists ((r - t) / (1 - t)). split.
      - split; [apply Rdiv_lt_0_compat; lra | apply Rmult_lt_reg_r with (1 - t); [lra|]; unfold Rdiv; rewrite Rmult_assoc, Rinv_l; lra].
      - unfold value, lerp. field. lra. }
    assert (betweenT : forall y, exists c, 0 < c < 1 /\ value T y = lerp c (value t y) (dot y q)).
    { intro y. exists ((T - t) / (1 - t)). split.
      - split; [apply Rdiv_lt_0_compat; lra | apply Rmult_lt_reg_r with (1 - t); [lra|]; unfold Rdiv; rewrite Rmult_assoc, Rinv_l; lra].
      - unfold value, lerp. field. lra. }
    assert (zero_only : forall y, In y X -> ~ nil y -> value T y = 0 -> parallel x y).
    { intros y Iy Ny Vy. apply position; try assumption. unfold value, lerp in *. 
      assert (A : (1 - T) * dot x p = - (T * dot x q)) by lra. assert (B : (1 - T) * dot y p = - (T * dot y q)) by lra.
      apply Rmult_eq_reg_l with (T * (1 - T)); [|nra].
      replace (T * (1 - T) * (dot x p * dot y q)) with ((1 - T) * dot x p * (T * dot y q)) by ring. rewrite A.
      replace (T * (1 - T) * (dot y p * dot x q)) with ((1 - T) * dot y p * (T * dot x q)) by ring. rewrite B. ring. }
    assert (Gr : generic (line r p q)).
    { split; [now apply line_length|]. intros y Iy Ny. rewrite value_line, step. destruct (S e He y Iy) as (S1 & S2 & S3). rewrite value_line in *.
      destruct (Rtotal_order (value T y) 0) as [Q|[Q|Q]]; [specialize (S2 Q); lra | apply S3; [assumption | now apply GQ] | specialize (S1 Q); lra]. }
    apply walk_across with (pattern (line r p q)).
    + exists (line t p q). split; [now apply line_length | now apply pattern_interior].
    + exists (line r p q). split; [now apply line_length | now apply pattern_interior].
    + apply z_between. unfold within. lra.
    + apply z_between. unfold within. lra.
    + exists x. split; [assumption|]. split; [assumption|].
      assert (all : forall y, In y X -> parallel x y /\ bit y (line r p q) = negb (bit y (line t p q)) \/ ~ parallel x y /\ bit y (line r p q) = bit y (line t p q)).
      { intros y Iy. destruct (classic (parallel x y)) as [(c & C & Py)|NP]; [left | right]; (split; [first [assumption | now exists c]|]); unfold bit; rewrite !value_line.
        - assert (vy : forall u, value u y = c * value u x) by (intro u; unfold value, lerp; rewrite Py, !dot_scale_l; ring). rewrite !vy, (step x), VT.
          unfold lerp. replace ((1 - e) * 0 + e * dot x q) with (e * dot x q) by ring.
          assert (neg : (c * (e * dot x q)) * (c * value t x) < 0).
          { replace ((c * (e * dot x q)) * (c * value t x)) with ((c * c * e) * (value t x * dot x q)) by ring.
            assert (0 < c * c * e) by (apply Rmult_lt_0_compat; [nra | lra]). nra. }
          destruct (Rlt_dec 0 (c * (e * dot x q))) as [Q|Q], (Rlt_dec 0 (c * value t x)) as [Q'|Q']; simpl; try reflexivity; exfalso.
          + assert (0 < (c * (e * dot x q)) * (c * value t x)) by now apply Rmult_lt_0_compat. lra.
          + assert (c * (e * dot x q) <> 0) by (apply Rmult_integral_contrapositive_currified; [assumption|]; apply Rmult_integral_contrapositive_currified; nra).
            assert (c * value t x <> 0) by (apply Rmult_integral_contrapositive_currified; nra).
            assert (0 < (- (c * (e * dot x q))) * (- (c * value t x))) by (apply Rmult_lt_0_compat; lra). lra.
        - destruct (classic (nil y)) as [Q|Ny]; [unfold value; rewrite !(nil_dot _ Q), !lerp_0; reflexivity|].
          assert (NT : value T y <> 0) by (intro Q; apply NP; now apply zero_only).
          assert (same : 0 < value t y * value T y).
          { destruct (Rlt_dec 0 (value t y * value T y)) as [Q|Q]; [exact Q|]. exfalso.
            assert (Nt : value t y <> 0) by (destruct G as [_ G]; specialize (G y Iy Ny); now rewrite value_line in G).
            assert (opp : value t y * value T y < 0) by (destruct (Rtotal_order (value t y * value T y) 0) as [K|[K|K]]; [assumption | apply Rmult_integral in K; tauto | lra]).
            destruct (betweenT y) as (c & C & Ec).
            assert (Ry : value t y * dot y q < 0) by (rewrite Ec in opp; unfold lerp in opp; nra).
            destruct (signs y Ry) as [Sy Vy].
            assert (My : T <= crossing y) by (apply M, left_over_in; now split).
            assert (Ey : crossing y * (dot y p - dot y q) = dot y p) by (unfold crossing; field; nra).
            assert (opp' : dot y p * value T y < 0).
            { clear - opp Vy. set (u := value t y) in *. set (w := value T y) in *. set (al := dot y p) in *. clearbody u w al.
              apply Rnot_le_lt. intro N. assert (0 <= (al * w) * (u * u)) by (apply Rmult_le_pos; nra).
              assert ((al * u) * (u * w) < 0) by nra. replace ((al * w) * (u * u)) with ((al * u) * (u * w)) in H by ring. lra. }
            unfold value, lerp in opp'. clear - opp' My Ey Sy HT T0. set (al := dot y p) in *. set (be := dot y q) in *.
            set (cy := crossing y) in *. clearbody cy al be.
            assert (big : 0 < al * al) by nra.
            assert (K : al * (T * (al - be)) <= al * (cy * (al - be))).
            { replace (al * (T * (al - be))) with (T * (al * al - al * be)) by ring. replace (al * (cy * (al - be))) with (cy * (al * al - al * be)) by ring.
              apply Rmult_le_compat_r; lra. }
            rewrite Ey in K. lra. }
          destruct (S e He y Iy) as (S1 & S2 & _). rewrite value_line in S1, S2. rewrite step.
          destruct (Rlt_dec 0 (lerp e (value T y) (dot y q))), (Rlt_dec 0 (value t y)); try reflexivity; exfalso;
            (destruct (Rtotal_order (value T y) 0) as [Q|[Q|Q]]; [specialize (S2 Q); nra | easy | specialize (S1 Q); nra]). }
      unfold pattern. clear - all. induction X as [|y Y IH]; simpl; constructor; [apply all; now left | apply IH; intros u I; apply all; now right].
    + apply IH; [lra | assumption|]. assert (F : (length (left_over r) < length (left_over t))%nat); [|rewrite E in F; simpl in *; lia].
      unfold left_over. apply filter_fewer with x; [| assumption | destruct (Rlt_dec _ 0); [reflexivity | lra] |].
      * intros y. destruct (Rlt_dec (value r y * dot y q) 0) as [Q|Q]; [|discriminate]. intros _. destruct (Rlt_dec (value t y * dot y q) 0) as [Q'|Q']; [reflexivity|]. exfalso.
        destruct (between y) as (c & C & Ec). rewrite Ec in Q. unfold lerp in Q. nra.
      * destruct (Rlt_dec (value r x * dot x q) 0) as [Q|Q]; [|reflexivity]. exfalso. rewrite step, VT in Q. unfold lerp in Q. nra.
Qed.
End Line.
Theorem chambers_joined a b z : chamber a -> chamber b -> in_cone a z -> in_cone b z -> walk z a b.
Proof.
  intros CA CB ZA ZB. destruct (general_position CA CB) as (p & q & LP & LQ & HP & HQ & PQ). 
  pose proof (interior_generic LP HP) as GP. pose proof (interior_generic LQ HQ) as GQ. rewrite (interior_pattern HP), (interior_pattern HQ) in *.
  assert (L0 : line 0 p q = p).
  { unfold line. clear - LP LQ. revert n q LP LQ. induction p as [|x p IH]; intros k [|y q] LP LQ; simpl in *; try reflexivity; [subst; discriminate|].
    f_equal; [unfold lerp; ring | apply (IH (length p)); lia]. }
  rewrite <- L0 at 1. apply (walk_line LP LQ GQ PQ ZA ZB (k := length (left_over p q 0))); [lra | now rewrite L0 | lia].
Qed.
End Cones.

(** ** A path from inside to outside meets a face *)
Section Cells.
Variables (T : Type) (cells : list T) (ok : T -> Prop) (inside : T -> bool) (holds : T -> R -> Prop) (adjacent : T -> T -> Prop).
Inductive chain (t : R) : T -> T -> Prop :=
| chain_here C : chain t C C
| chain_next C D E : ok C -> ok D -> holds C t -> holds D t -> adjacent C D -> chain t D E -> chain t C E.
Hypothesis all_closed : forall C, In C cells -> closed (holds C).
Hypothesis cover : forall t, within t -> exists C, In C cells /\ ok C /\ holds C t.
Hypothesis joined : forall t C D, within t -> ok C -> ok D -> holds C t -> holds D t -> chain t C D.
Lemma chain_leaves t C D : chain t C D -> inside C = true -> inside D = false ->
  exists C' D', ok C' /\ ok D' /\ holds C' t /\ holds D' t /\ adjacent C' D' /\ inside C' = true /\ inside D' = false.
Proof.
  induction 1 as [C | C D E OC OD HC HD AD CH IH]; intros IC IE; [congruence|]. destruct (inside D) eqn:ID; [now apply IH|]. exists C, D. auto 10.
Qed.
Theorem face_met A B : In A cells -> In B cells -> ok A -> ok B -> holds A 0 -> holds B 1 -> inside A = true -> inside B = false ->
  exists t C D, within t /\ ok C /\ ok D /\ holds C t /\ holds D t /\ adjacent C D /\ inside C = true /\ inside D = false.
Proof.
  intros InA InB OA OB HA HB IA IB. set (side := fun b t => exists C, In C cells /\ ((ok C /\ inside C = b) /\ holds C t)).
  assert (CL : forall b, closed (side b)).
  { intro b. apply closed_some. intros C I. destruct (classic (ok C /\ inside C = b)) as [Q|Q].
    - apply closed_ext with (holds C); [tauto | now apply all_closed].
    - intros t _ _. exists 1. split; [lra|]. intros r _ _ [N _]. tauto. }
  destruct (@last_time (side true) (side false)) as (t & W & (C & _ & (OC & IC) & HC) & (D & _ & (OD & ID) & HD)).
  - apply CL.
  - apply CL.
  - intros t W. destruct (cover W) as (C & I & O & H). destruct (inside C) eqn:E; [left | right]; exists C; auto.
  - exists A. auto.
  - exists B. auto.
  - destruct (chain_leaves (joined W OC OD HC HD) IC ID) as (C' & D' & Q). exists t, C', D'. tauto.
Qed.
End Cells.

(** ** Networks of one hidden layer: neurons (theta_i, wt_i), which a path moves continuously *)
Definition neuron_path := ((R -> R) * list (R -> R))%type.
Definition at_time (t : R) (g : list neuron_path) : list (R * list R) := map (fun f => (fst f t, map (fun h => h t) (snd f))) g.
Definition moves_continuously (n : nat) (g : list neuron_path) : Prop :=
  Forall (fun f => continuous (fst f) /\ length (snd f) = n /\ Forall continuous (snd f)) g.
(** [u_i = abs(theta_i) wt_i]. *)
Definition weighted_row (v : R * list R) : list R := map (Rmult (Rabs (fst v))) (snd v).

(** *** Cells are products over neurons *)
Fixpoint words {A} (alphabet : list A) (k : nat) : list (list A) :=
  match k with O => [[]] | S k' => flat_map (fun a => map (cons a) (words alphabet k')) alphabet end.
Lemma in_words {A} (alphabet u : list A) : Forall (fun x => In x alphabet) u -> In u (words alphabet (length u)).
Proof. induction 1 as [|x u I H IH]; simpl; [now left|]. apply in_flat_map. exists x. split; [assumption | now apply in_map]. Qed.

Section Products.
Variables (n m : nat) (K : Type) (alphabet : list K) (ok : K -> Prop) (holds : K -> R * list R -> Prop) (next_to : K -> K -> Prop).
Hypothesis in_alphabet : forall c, ok c -> In c alphabet.
Hypothesis closed_one : forall c f, continuous (fst f) -> Forall continuous (snd f) -> closed (fun t => holds c (fst f t, map (fun h => h t) (snd f))).
Hypothesis cover_one : forall v, length (snd v) = n -> exists c, ok c /\ holds c v.
Inductive code_chain (v : R * list R) : K -> K -> Prop :=
| code_here c : code_chain v c c
| code_next c d e : ok c -> ok d -> holds c v -> holds d v -> next_to c d -> code_chain v d e -> code_chain v c e.
Hypothesis joined_one : forall v c d, ok c -> ok d -> holds c v -> holds d v -> code_chain v c d.

Definition in_cell (C : list K) (p : list (R * list R)) : Prop := Forall2 holds C p.
Definition cell (C : list K) : Prop := length C = m /\ Forall ok C.
(** One neuron's code changes; the others keep theirs. *)
Definition adjacent (C D : list K) : Prop := exists before c d after, C = before ++ c :: after /\ D = before ++ d :: after /\ next_to c d.

Lemma rows_at_time g t : moves_continuously n g -> Forall (fun v => length (snd v) = n) (at_time t g).
Proof.
  intro HG. unfold at_time. apply Forall_forall. intros v I. apply in_map_iff in I as (f & <- & I).
  unfold moves_continuously in HG. rewrite Forall_forall in HG. simpl. rewrite map_length. apply (HG f I).
Qed.
Lemma closed_cell C g : moves_continuously n g -> closed (fun t => in_cell C (at_time t g)).
Proof.
  intro H. unfold in_cell. revert C. induction H as [|f g (F1 & F2 & F3) H IH]; intros [|c C].
  - apply closed_ext with (fun _ => True); [intro t; split; [constructor | trivial] | intros t _ N; tauto].
  - intros t _ _. exists 1. split; [lra|]. intros r _ _ N. inversion N.
  - intros t _ _. exists 1. split; [lra|]. intros r _ _ N. inversion N.
  - apply closed_ext with (fun t => holds c (fst f t, map (fun h => h t) (snd f)) /\ Forall2 holds C (at_time t g)).
    + intro t. simpl. split; [intros [A B]; now constructor | intro N; now inversion_clear N].
    + apply closed_and; [now apply closed_one | apply IH].
Qed.
Lemma in_all_cells C : cell C -> In C (words alphabet m).
Proof. intros [L H]. rewrite <- L. apply in_words. eapply Forall_impl; [|exact H]. exact in_alphabet. Qed.
Lemma cells_cover p : length p = m -> Forall (fun v => length (snd v) = n) p -> exists C, cell C /\ in_cell C p.
Proof.
  intros L H. enough (E : exists C, length C = length p /\ Forall ok C /\ in_cell C p).
  { destruct E as (C & E1 & E2 & E3). exists C. split; [|exact E3]. split; [exact (eq_trans E1 L) | exact E2]. }
  clear L. induction H as [|v p LV H (C & E1 & E2 & E3)]; [exists []; repeat split; constructor|].
  destruct (cover_one LV) as (c & OC & HC). exists (c :: C). repeat split; [simpl; now rewrite E1 | now constructor | now constructor].
Qed.
Lemma chain_app {T} (good : T -> Prop) (h : T -> R -> Prop) adj t C D E : chain good h adj t C D -> chain good h adj t D E -> chain good h adj t C E.
Proof. induction 1; intro N; [assumption|]. eapply chain_next; eauto. Qed.
(** The neurons change their codes one after the other. *)
Lemma cells_joined p : forall before C D pb, in_cell before pb -> in_cell C p -> in_cell D p -> Forall ok before -> Forall ok C -> Forall ok D ->
  (length before + length C = m)%nat -> forall (h : list K -> R -> Prop) t, (forall E, h E t <-> in_cell E (pb ++ p)) ->
  chain cell h adjacent t (before ++ C) (before ++ D).
Proof.
  induction p as [|v p IH]; intros before C D pb HB HC HD KB KC KD L h t HH; inversion HC as [|c ? C' ? NC HC' E1 E2]; inversion HD as [|d ? D' ? ND HD' E3 E4]; subst.
  - apply chain_here.
  - inversion_clear KC as [|? ? KC1 KC2]. inversion_clear KD as [|? ? KD1 KD2]. pose proof (joined_one KC1 KD1 NC ND) as W.
    assert (first : chain cell h adjacent t (before ++ c :: C') (before ++ d :: C')).
    { clear IH KD1 ND HD KD2 HD'. induction W as [c | c c' e CA CB IA IB AD W IHW]; [apply chain_here|].
      assert (one : forall x, ok x -> holds x v -> cell (before ++ x :: C') /\ h (before ++ x :: C') t).
      { intros x CX IX. split; [split; [rewrite app_length in *; simpl in *; lia | apply Forall_app; split; [assumption | now constructor]]|].
        apply HH. unfold in_cell. apply Forall2_app; [assumption | now constructor]. }
      destruct (one c CA IA) as [O1 H1]. destruct (one c' CB IB) as [O2 H2]. eapply chain_next; [exact O1 | exact O2 | exact H1 | exact H2 | now exists before, c, c', C' |].
      apply IHW; try assumption. now constructor. }
    apply (chain_app first). replace (before ++ d :: C') with ((before ++ [d]) ++ C') by (now rewrite <- app_assoc). replace (before ++ d :: D') with ((before ++ [d]) ++ D') by (now rewrite <- app_assoc).
    apply (IH (before ++ [d]) C' D' (pb ++ [v])); try assumption.
    + apply Forall2_app; [assumption | constructor; [assumption | constructor]].
    + apply Forall_app. split; [assumption | constructor; [assumption | constructor]].
    + rewrite app_length in *. simpl in *. lia.
    + intro E. rewrite HH, <- app_assoc. reflexivity.
Qed.
Theorem passes_a_face (inside : list K -> bool) (g : list neuron_path) A B : length g = m -> moves_continuously n g ->
  cell A -> in_cell A (at_time 0 g) -> inside A = true -> cell B -> in_cell B (at_time 1 g) -> inside B = false ->
  exists t C D, within t /\ cell C /\ cell D /\ in_cell C (at_time t g) /\ in_cell D (at_time t g) /\ adjacent C D /\ inside C = true /\ inside D = false.
Proof.
  intros LG HG OA HA IA OB HB IB.
  apply (@face_met (list K) (words alphabet m) cell inside (fun C t => in_cell C (at_time t g)) adjacent) with (A := A) (B := B); try assumption.
  - intros C _. now apply closed_cell.
  - intros t _. destruct (@cells_cover (at_time t g)) as (C & OC & HC); [unfold at_time; now rewrite map_length | now apply rows_at_time | exists C; split; [now apply in_all_cells | now split]].
  - intros t C D _ [LC OC] [LD OD] HC HD. apply (@cells_joined (at_time t g) [] C D []); try assumption; try constructor; exact (fun x => x).
  - now apply in_all_cells.
  - now apply in_all_cells.
Qed.
End Products.

Section Networks.
Variables (n m : nat) (X : list (list R)).
Hypothesis X_length : Forall (fun x => length x = n) X.
Notation in_cone := (in_cone X).
Notation chamber := (chamber n X).
Notation crosses := (crosses X).

Lemma cone_length a u : in_cone a u -> length a = length X.
Proof. unfold Barrier.in_cone. clear X_length. induction 1; simpl; auto. Qed.
Lemma cone_zero a u : (forall x, dot x u = 0) -> length a = length X -> in_cone a u.
Proof.
  intros Z. unfold Barrier.in_cone. clear X_length. revert a. induction X as [|x Y IH]; intros [|b a] L; try discriminate; constructor.
  - rewrite Z. destruct b; simpl; lra.
  - apply IH. now injection L.
Qed.
Lemma cone_scale a k u : 0 < k -> (in_cone a (map (Rmult k) u) <-> in_cone a u).
Proof.
  intro K. unfold Barrier.in_cone. clear X_length. assert (D : forall x, dot x (map (Rmult k) u) = k * dot x u) by (intro x; now rewrite dot_comm, dot_scale_l, dot_comm).
  split; intro H; (induction H as [|b x a Y H H' IH]; constructor; [|assumption]); rewrite D in *; destruct b; simpl in *; nra.
Qed.
Lemma weighted_nil v : nil (weighted_row v) <-> fst v = 0 \/ nil (snd v).
Proof.
  destruct v as [th w]. unfold weighted_row, nil; simpl. split.
  - intro H. destruct (Req_dec th 0) as [Z|Z]; [now left | right]. pose proof (Rabs_no_R0 _ Z). induction w as [|y w IH]; constructor; inversion_clear H as [|? ? H1 H2]; [|now apply IH].
    apply Rmult_integral in H1 as [H1|H1]; [contradiction | assumption].
  - intros [-> | H]; [rewrite Rabs_R0; induction w; simpl; constructor; [ring | assumption]|]. induction H as [|y w -> H IH]; simpl; constructor; [ring | assumption].
Qed.
Lemma cone_weighted a v : in_cone a (weighted_row v) <-> (fst v = 0 /\ length a = length X) \/ in_cone a (snd v).
Proof.
  destruct v as [th w]. unfold weighted_row; simpl. destruct (Req_dec th 0) as [Z|Z].
  - subst. rewrite Rabs_R0. split; intro H; [left; split; [reflexivity | now apply cone_length in H]|].
    apply cone_zero; [intro x; rewrite dot_comm, dot_scale_l; ring | destruct H as [[_ H]|H]; [assumption | now apply cone_length in H]].
  - assert (P : 0 < Rabs th) by now apply Rabs_pos_lt. rewrite (cone_scale a w P). tauto.
Qed.

(** *** Closed *)
Lemma continuous_dot x (w : list (R -> R)) : Forall continuous w -> continuous (fun t => dot x (map (fun h => h t) w)).
Proof.
  intro H. revert x. induction H as [|h w H H' IH]; intros [|y x]; try (apply (continuous_const 0)).
  apply (continuous_plus (continuous_scale y H) (IH x)).
Qed.
Lemma closed_cone a w : Forall continuous w -> closed (fun t => in_cone a (map (fun h => h t) w)).
Proof.
  intro H. unfold Barrier.in_cone. clear X_length. revert X. induction a as [|b a IH]; intros [|x Y].
  - apply closed_ext with (fun _ => True); [intro t; split; [constructor | trivial] | intros t _ N; tauto].
  - intros t _ _. exists 1. split; [lra|]. intros r _ _ N. inversion N.
  - intros t _ _. exists 1. split; [lra|]. intros r _ _ N. inversion N.
  - apply closed_ext with (fun t => on_side b (dot x (map (fun h => h t) w)) /\ Forall2 (fun b x => on_side b (dot x (map (fun h => h t) w))) a Y).
    + intro t. split; [intros [A B]; now constructor | intro N; now inversion_clear N].
    + apply closed_and; [|apply IH]. destruct b; simpl; [apply closed_nonneg; now apply continuous_dot|].
      apply closed_ext with (fun t => 0 <= -1 * dot x (map (fun h => h t) w)); [intro t; split; intro; lra|]. apply closed_nonneg, continuous_scale. now apply continuous_dot.
Qed.
Lemma closed_nil (w : list (R -> R)) : Forall continuous w -> closed (fun t => nil (map (fun h => h t) w)).
Proof.
  unfold nil. induction 1 as [|h w H H' IH]; [apply closed_ext with (fun _ => True); [intro t; split; [constructor | trivial] | intros t _ N; tauto]|].
  apply closed_ext with (fun t => h t = 0 /\ Forall (fun z => z = 0) (map (fun h => h t) w)).
  - intro t. simpl. split; [intros [A B]; now constructor | intro N; now inversion_clear N].
  - apply closed_and; [now apply closed_zero | exact IH].
Qed.
Lemma closed_side b f : continuous f -> closed (fun t => on_side b (f t)).
Proof.
  intro H. destruct b; simpl; [now apply closed_nonneg|]. apply closed_ext with (fun t => 0 <= -1 * f t); [intro t; split; intro; lra|]. now apply closed_nonneg, continuous_scale.
Qed.
Lemma closed_weighted_cone a f : continuous (fst f) -> Forall continuous (snd f) -> closed (fun t => in_cone a (weighted_row (fst f t, map (fun h => h t) (snd f)))).
Proof.
  intros H1 H2. apply closed_ext with (fun t => (fst f t = 0 /\ length a = length X) \/ in_cone a (map (fun h => h t) (snd f))); [intro t; now rewrite cone_weighted|].
  apply closed_or; [|now apply closed_cone]. apply closed_and; [now apply closed_zero|].
  destruct (classic (length a = length X)) as [Q|Q]; intros t _ N; [tauto | exists 1; split; [lra | tauto]].
Qed.
Lemma chamber_length a : chamber a -> length a = length X.
Proof. intros (p & _ & H). unfold in_interior in H. clear X_length. induction H; simpl; auto. Qed.
Lemma chamber_in a : chamber a -> In a (words [true; false] (length X)).
Proof. intro H. rewrite <- (chamber_length H). apply in_words. apply Forall_forall. intros [|] _; simpl; auto. Qed.
Lemma weighted_length v : length (snd v) = n -> length (weighted_row v) = n.
Proof. intro L. unfold weighted_row. now rewrite map_length. Qed.

(** *** A trained output layer *)
(** A code is a sign, true for one above 0, and a pattern; the sign does not matter where u_i = 0. *)
Definition code : Type := (bool * list bool)%type.
Definition neuron_in (c : code) (v : R * list R) : Prop := in_cone (snd c) (weighted_row v) /\ (nil (weighted_row v) \/ off_side (fst c) (fst v)).
Definition code_chamber (c : code) : Prop := chamber (snd c).
(** One facet of one cone is crossed, or one sign changes. *)
Inductive adjacent_codes : code -> code -> Prop :=
| crossing_facet s a b : crosses a b -> adjacent_codes (s, a) (s, b)
| changing_sign s a : adjacent_codes (s, a) (negb s, a).
Lemma closed_neuron c f : continuous (fst f) -> Forall continuous (snd f) -> closed (fun t => neuron_in c (fst f t, map (fun h => h t) (snd f))).
Proof.
  intros H1 H2. apply closed_and; [now apply closed_weighted_cone|].
  apply closed_ext with (fun t => nil (map (fun h => h t) (snd f)) \/ on_side (fst c) (fst f t)).
  - intro t. rewrite weighted_nil. simpl. destruct (fst c); simpl; destruct (Rtotal_order (fst f t) 0) as [Q|[Q|Q]]; intuition lra.
  - apply closed_or; [now apply closed_nil | now apply closed_side].
Qed.
Lemma codes_cover v : length (snd v) = n -> exists c, code_chamber c /\ neuron_in c v.
Proof.
  intro LV. destruct (cones_cover X_length (weighted_length LV)) as (a & CA & IA). exists (if Rlt_dec 0 (fst v) then true else false, a).
  split; [exact CA|]. split; [exact IA|]. rewrite weighted_nil. simpl. destruct (Rlt_dec 0 (fst v)); simpl; [now right|].
  destruct (Req_dec (fst v) 0); [left; now left | right; lra].
Qed.
Notation joined_by := (code_chain code_chamber neuron_in adjacent_codes).
Lemma joined_app v c d e : joined_by v c d -> joined_by v d e -> joined_by v c e.
Proof. induction 1; intro H'; [assumption|]. eapply code_next; eauto. Qed.
Lemma walk_codes s v a b : (nil (weighted_row v) \/ off_side s (fst v)) -> walk n X (weighted_row v) a b -> joined_by v (s, a) (s, b).
Proof.
  intros S. induction 1 as [a | a b c CA CB IA IB AD W IH]; [apply code_here|].
  exact (@code_next code code_chamber neuron_in adjacent_codes v (s, a) (s, b) (s, c) CA CB (conj IA S) (conj IB S) (crossing_facet s AD) IH).
Qed.
Lemma codes_joined v c d : code_chamber c -> code_chamber d -> neuron_in c v -> neuron_in d v -> joined_by v c d.
Proof.
  destruct c as [s a], d as [s' b]. unfold code_chamber. simpl. intros CA CB [IA SA] [IB SB]. simpl in *. pose proof (walk_codes SA (chambers_joined X_length CA CB IA IB)) as W.
  destruct (Bool.bool_dec s s') as [->|NE]; [exact W|]. apply (joined_app W).
  assert (Z : nil (weighted_row v)). { destruct SA as [Z|SA]; [exact Z|]. destruct SB as [Z|SB]; [exact Z|]. exfalso. destruct s, s'; simpl in *; try lra; now apply NE. }
  replace s' with (negb s) by (destruct s, s'; try reflexivity; now elim NE).
  apply code_next with (negb s, b); try assumption; try (split; [assumption | now left]); [constructor | apply code_here].
Qed.
Notation trained_cell := (cell m code_chamber).
Notation in_trained_cell := (in_cell neuron_in).
(** [F p c] at the neurons p and the output bias c. If F is at least [level] on every face between a cell that is inside and an adjacent one that is not,
    then every path from a point in a cell inside to one in a cell outside has a point with F at least [level]. The output bias may do as it likes. *)
Theorem barrier (F : list (R * list R) -> R -> R) (level : R) (inside : list code -> bool) (g : list neuron_path) (bias : R -> R) A B :
  length g = m -> moves_continuously n g ->
  trained_cell A -> in_trained_cell A (at_time 0 g) -> inside A = true -> trained_cell B -> in_trained_cell B (at_time 1 g) -> inside B = false ->
  (forall C D p c, trained_cell C -> trained_cell D -> adjacent adjacent_codes C D -> inside C = true -> inside D = false ->
     Forall (fun v => length (snd v) = n) p -> in_trained_cell C p -> in_trained_cell D p -> level <= F p c) ->
  exists t, within t /\ level <= F (at_time t g) (bias t).
Proof.
  intros LG HG OA HA IA OB HB IB faces.
  destruct (@passes_a_face n m code (list_prod [true; false] (words [true; false] (length X))) code_chamber neuron_in adjacent_codes) with (inside := inside) (g := g) (A := A) (B := B)
    as (t & C & D & W & OC & OD & HC & HD & AD & IC & ID); try assumption.
  - intros [s a] H. apply in_prod; [destruct s; simpl; auto | now apply chamber_in].
  - exact closed_neuron.
  - exact codes_cover.
  - exact codes_joined.
  - exists t. split; [assumption|]. apply (faces C D); try assumption. now apply rows_at_time.
Qed.

(** *** A frozen output layer *)
(** Cells are products of cones alone: the heads [theta] never change, whatever their signs are, and a sign never changes where u_i = 0. *)
Definition row_in (a : list bool) (v : R * list R) : Prop := in_cone a (weighted_row v).
Lemma rows_joined v a b : chamber a -> chamber b -> row_in a v -> row_in b v -> code_chain chamber row_in crosses v a b.
Proof.
  intros CA CB IA IB. pose proof (chambers_joined X_length CA CB IA IB) as W. clear - W.
  induction W as [a | a b c CA CB IA IB AD W IH]; [apply code_here | eapply code_next; eassumption].
Qed.
Theorem frozen_barrier (theta : list R) (F : list (R * list R) -> R -> R) (level bias : R) (inside : list (list bool) -> bool) (g : list neuron_path) A B :
  length g = m -> moves_continuously n g -> (forall t, within t -> map fst (at_time t g) = theta) ->
  cell m chamber A -> in_cell row_in A (at_time 0 g) -> inside A = true -> cell m chamber B -> in_cell row_in B (at_time 1 g) -> inside B = false ->
  (forall C D p, cell m chamber C -> cell m chamber D -> adjacent crosses C D -> inside C = true -> inside D = false ->
     Forall (fun v => length (snd v) = n) p -> map fst p = theta -> in_cell row_in C p -> in_cell row_in D p -> level <= F p bias) ->
  exists t, within t /\ level <= F (at_time t g) bias.
Proof.
  intros LG HG TH OA HA IA OB HB IB faces.
  destruct (@passes_a_face n m (list bool) (words [true; false] (length X)) chamber row_in crosses) with (inside := inside) (g := g) (A := A) (B := B)
    as (t & C & D & W & OC & OD & HC & HD & AD & IC & ID); try assumption.
  - exact chamber_in.
  - intros c f H1 H2. now apply closed_weighted_cone.
  - intros v LV. exact (cones_cover X_length (weighted_length LV)).
  - exact rows_joined.
  - exists t. split; [assumption|]. apply (faces C D); try assumption; [now apply rows_at_time | now apply TH].
Qed.

(** *** Which hyperplanes carry a facet *)
(** A class of inputs whose normal is a non-negative combination of others of the cone's normals is not crossed: no chamber lies behind it. *)
Definition signed (b : bool) (x : list R) : list R := if b then x else map Ropp x.
Theorem redundant a b x s (others : list (R * (bool * list R))) : chamber a -> In x X -> ~ nil x ->
  Forall2 (fun ab y => parallel x y /\ snd ab = negb (fst ab) \/ ~ parallel x y /\ snd ab = fst ab) (combine a b) X -> length b = length a ->
  In (s, x) (combine a X) -> Forall (fun k => 0 <= fst k /\ In (snd k) (combine a X) /\ ~ parallel x (snd (snd k))) others ->
  (forall p, dot (signed s x) p = sum (map (fun k => fst k * dot (signed (fst (snd k)) (snd (snd k))) p) others)) ->
  ~ chamber b.
Proof.
  intros CA I N CR L Is HO E (p & LP & HP).
  assert (side : forall c y, In (c, y) (combine b X) -> 0 <= dot (signed c y) p).
  { intros c y J. unfold in_interior in HP. clear - HP J. revert J. induction HP as [|b0 x0 b' Y H HP IH]; [easy|]. intros [J|J]; [|now apply IH].
    injection J as -> ->. destruct H as [[Z ->]|[_ H]]; [simpl; rewrite dot_opp_l, (nil_dot p Z); lra|]. destruct c; simpl in *; [lra | rewrite dot_opp_l; lra]. }
  assert (behind : forall c y, In (c, y) (combine a X) -> (parallel x y -> In (negb c, y) (combine b X)) /\ (~ parallel x y -> In (c, y) (combine b X))).
  { clear - CR L. intros c y J. revert b L CR J. generalize X. intro Y. revert a. induction Y as [|x0 Y IH]; intros [|a0 a] [|b0 b] L CR J; try easy.
    inversion_clear CR as [|? ? ? ? C1 C2]. simpl in C1. destruct J as [J|J].
    - injection J as -> ->. destruct C1 as [[P ->]|[P ->]]; split; intro Q; try contradiction; now left.
    - destruct (IH a b ltac:(simpl in L; lia) C2 J) as [I1 I2]. split; intro Q; right; auto. }
  assert (self : parallel x x) by (exists 1; split; [lra | symmetry; apply map_one]).
  pose proof (side _ _ (proj1 (behind s x Is) self)) as S1.
  assert (S2 : dot (signed (negb s) x) p <> 0).
  { pose proof (interior_generic LP HP) as [_ G]. specialize (G x I N). destruct s; simpl; [rewrite dot_opp_l; lra | assumption]. }
  assert (S3 : dot (signed (negb s) x) p = - dot (signed s x) p) by (destruct s; simpl; rewrite dot_opp_l; ring).
  assert (S4 : 0 <= dot (signed s x) p).
  { rewrite E. clear - HO side behind. induction HO as [|[k [c y]] O (K & J & NP) HO IH]; [apply Rle_refl|]. simpl in *. rewrite sum_cons.
    assert (0 <= k * dot (signed c y) p) by (apply Rmult_le_pos; [assumption | apply side, behind; assumption]). lra. }
  lra.
Qed.
End Networks.
