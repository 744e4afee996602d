(** * That the points of a claim's path are a path: every entry is a continuous function of time, through the balancing map too
    (docs/mathematics.md, section 4) *)
From Coq Require Import Reals List ZArith Bool Lia Lra.
From Proofs Require Import Spec Convex Moves Scaling Balance.
Import ListNotations.
Set Implicit Arguments.
Unset Strict Implicit.
Open Scope R_scope.

(** [g] is a network of functions, evaluated at each time. *)
Definition continuous_layer (l : layer (R -> R)) : Prop := Forall (Forall continuity) (weight l) /\ Forall continuity (bias l).
Definition traced (g : R -> network R) : Prop :=
  exists G : network (R -> R), Forall continuous_layer G /\ forall t, g t = map_network (fun f => f t) G.

Lemma continuity_pair (f g : R -> R) (k : R -> R -> R) : continuity f -> continuity g ->
  (forall t, continuity_pt f t -> continuity_pt g t -> continuity_pt (fun t => k (f t) (g t)) t) -> continuity (fun t => k (f t) (g t)).
Proof. intros F G H t. apply H; [apply F | apply G]. Qed.
Lemma continuity_dot (u v : list (R -> R)) : Forall continuity u -> Forall continuity v -> continuity (fun t => dot (map (fun f => f t) u) (map (fun f => f t) v)).
Proof.
  intro U. revert v. induction U as [|f u F U IH]; intros v V.
  - intro t. apply continuity_pt_const. intros a b. reflexivity.
  - destruct V as [|g v G V].
    + intro t. apply continuity_pt_const. intros a b. reflexivity.
    + intro t. apply (continuity_pt_plus (fun t => f t * g t) (fun t => dot (map (fun f => f t) u) (map (fun f => f t) v))); [|apply (IH v V)].
      apply (continuity_pt_mult f g); [apply F | apply G].
Qed.
Lemma continuity_sqrt_of f : continuity f -> (forall t, 0 <= f t) -> continuity (fun t => sqrt (f t)).
Proof. intros F P t. apply (continuity_pt_comp f sqrt); [apply F | apply continuity_pt_sqrt, P]. Qed.
Lemma continuity_norm (u : list (R -> R)) : Forall continuity u -> continuity (fun t => norm (map (fun f => f t) u)).
Proof. intro U. apply (continuity_sqrt_of (continuity_dot U U)). intro t. apply dot_self_nonneg. Qed.

(** What a factor does to an entry that the norm bounds: continuous, also where one of the norms is 0. *)
Lemma balancing_times x y : 0 <= x -> 0 <= y -> balancing x y * x = sqrt (x * y).
Proof.
  intros X Y. apply Rsqr_inj; [apply Rmult_le_pos; [apply balancing_nonneg | assumption] | apply sqrt_pos|]. unfold Rsqr.
  rewrite balanced_square by assumption. symmetry. apply sqrt_sqrt. now apply Rmult_le_pos.
Qed.
Lemma balancing_quotient x y : 0 < x -> 0 <= y -> balancing x y = sqrt (x * y) / x.
Proof. intros X Y. rewrite <- balancing_times by lra. field. lra. Qed.
Lemma positive_near x t : continuity_pt x t -> 0 < x t -> exists a, 0 < a /\ forall r, R_dist r t < a -> 0 < x r.
Proof.
  intros C P. destruct (C (x t) P) as (a & A & H). exists a. split; [exact A|]. intros r D. destruct (Req_dec r t) as [->|N]; [assumption|].
  assert (Q := H r (conj (conj I (not_eq_sym N)) D)). simpl in Q. unfold R_dist in Q. apply Rabs_def2 in Q. lra.
Qed.
Lemma squeezed f z t : continuity_pt z t -> z t = 0 -> (forall r, Rabs (f r) <= z r) -> continuity_pt f t.
Proof.
  intros C Z B e P. destruct (C e P) as (a & A & H). exists a. split; [exact A|]. intros r D. specialize (H r D). simpl in *. unfold R_dist in *.
  assert (F : f t = 0). { pose proof (B t) as Q. rewrite Z in Q. pose proof (Rabs_pos (f t)). destruct (Req_dec (f t) 0) as [E|E]; [assumption|]. pose proof (Rabs_pos_lt _ E). lra. }
  rewrite F, Z, Rminus_0_r in *. pose proof (B r). pose proof (Rle_abs (z r)). lra.
Qed.
Lemma continuity_balanced (x y e : R -> R) : continuity x -> continuity y -> continuity e ->
  (forall t, 0 <= x t) -> (forall t, 0 <= y t) -> (forall t, Rabs (e t) <= x t) -> continuity (fun t => balancing (x t) (y t) * e t).
Proof.
  intros X Y E PX PY B t. set (z := fun t => sqrt (x t * y t)).
  assert (Z : continuity z).
  { apply (@continuity_sqrt_of (fun t => x t * y t)); [intro r; apply (continuity_pt_mult x y); [apply X | apply Y] | intro r; apply Rmult_le_pos; [apply PX | apply PY]]. }
  assert (below : forall r, Rabs (balancing (x r) (y r) * e r) <= z r).
  { intro r. unfold z. rewrite <- balancing_times by auto. rewrite Rabs_mult, (Rabs_pos_eq _ (balancing_nonneg (x r) (y r))).
    apply Rmult_le_compat_l; [apply balancing_nonneg | apply B]. }
  destruct (PX t) as [P|P].
  - destruct (positive_near (X t) P) as (a & A & H). apply continuity_pt_locally_ext with (f := fun t => z t / x t * e t) (a := a); [exact A | |].
    + intros r D. unfold z. rewrite balancing_quotient; [reflexivity | now apply H | apply PY].
    + apply (continuity_pt_mult (fun t => z t / x t) e); [|apply E]. apply (continuity_pt_div z x); [apply Z | apply X | lra].
  - apply squeezed with z; [apply Z | unfold z; rewrite <- P, Rmult_0_l; apply sqrt_0 | exact below].
Qed.

(** ** Segments, curves of scalings, the balancing curve *)
Lemma traced_layer (l : layer (R -> R)) (t : R) : map_layer (fun f => f t) l = Layer (map (map (fun f => f t)) (weight l)) (map (fun f => f t) (bias l)).
Proof. reflexivity. Qed.
Lemma continuity_affine c d : continuity (fun t => lerp t c d).
Proof.
  intro t. apply continuity_pt_locally_ext with (f := fun t => c + t * (d - c)) (a := 1); [lra | intros r _; unfold lerp; ring|].
  apply (continuity_pt_plus (fun _ => c) (fun t => t * (d - c))); [apply continuity_pt_const; intros a b; reflexivity|].
  apply (continuity_pt_mult (fun t => t) (fun _ => d - c)); [apply derivable_continuous_pt, derivable_pt_id | apply continuity_pt_const; intros a b; reflexivity].
Qed.
Theorem segment_traced v w : traced (fun t => lerp_network t v w).
Proof.
  exists (map2 (fun l m => Layer (map2 (map2 (fun c d t => lerp t c d)) (weight l) (weight m)) (map2 (fun c d t => lerp t c d) (bias l) (bias m))) v w).
  assert (rows : forall u q, Forall continuity (map2 (fun c d t => lerp t c d) u q)).
  { induction u as [|c u IH]; intros [|d q]; simpl; constructor; [apply continuity_affine | apply IH]. }
  split.
  - revert w. induction v as [|l v IH]; intros [|m w]; simpl; constructor; [|apply IH]. split; simpl; [|apply rows].
    generalize (weight l) (weight m). induction l0 as [|r W IHW]; intros [|q V]; simpl; constructor; [apply rows | apply IHW].
  - intro t. assert (E : forall u q, map2 (lerp t) u q = map (fun f => f t) (map2 (fun c d t => lerp t c d) u q)).
    { induction u as [|c u IH]; intros [|d q]; simpl; try reflexivity. now rewrite IH. }
    revert w. induction v as [|l v IH]; intros [|m w]; try reflexivity. unfold lerp_network in *. cbn [map2 map_network map]. rewrite IH. f_equal.
    unfold lerp_layer, map_layer; cbn [weight bias]. rewrite E. f_equal. generalize (weight l) (weight m). induction l0 as [|r W IHW]; intros [|q V]; simpl; try reflexivity. now rewrite IHW, E.
Qed.
(** A fixed network, its neurons scaled by continuous factors. *)
Lemma scaled_traced (a b : list (R -> R)) v : Forall continuity a -> Forall continuity b ->
  traced (fun t => scaled (map (fun f => f t) a) (map (fun f => f t) b) v).
Proof.
  intros A B. assert (const : forall c : R, continuity (fun _ => c)) by (intros c t; apply continuity_pt_const; intros x y; reflexivity).
  assert (fixed : forall u : network R, traced (fun _ => u)).
  { intro u. exists (map_network (fun c _ => c) u). split.
    - induction u as [|l u IH]; simpl; constructor; [|exact IH]. split; simpl; apply Forall_forall; intros r I; apply in_map_iff in I as (q & <- & _); [|apply const].
      apply Forall_forall. intros f J. apply in_map_iff in J as (c & <- & _). apply const.
    - intro t. unfold map_network. rewrite map_map. rewrite <- (map_id u) at 1. apply map_ext. intros [W d]. unfold map_layer; simpl. rewrite !map_map. f_equal.
      + rewrite <- (map_id W) at 1. apply map_ext. intro r. rewrite map_map. symmetry. apply map_id.
      + symmetry. apply map_id. }
  destruct v as [|l [|m [|k v]]]; [exact (fixed []) | exact (fixed [l]) | | exact (fixed (l :: m :: k :: v))].
  assert (times : forall f c, continuity f -> continuity (fun t => f t * c)) by (intros f c F t; apply (continuity_pt_mult f (fun _ => c)); [apply F | apply const]).
  set (T := fun (f : R -> R) (c t : R) => f t * c).
  exists [Layer (map2 (fun f r => map (T f) r) a (weight l)) (map2 T a (bias l)); Layer (map (map2 T b) (weight m)) (map (fun c _ => c) (bias m))].
  assert (pairs : forall u d, Forall continuity u -> Forall continuity (map2 T u d)).
  { intros u d U. revert d. induction U; intros [|c d]; simpl; constructor; [now apply times | apply IHU]. }
  split.
  - constructor; [|constructor; [|constructor]]; split; simpl.
    + clear B pairs fixed. generalize (weight l). induction A as [|f a F A IH]; intros [|r W]; simpl; constructor; [|apply IH].
      apply Forall_forall. intros g I. apply in_map_iff in I as (c & <- & _). now apply times.
    + now apply pairs.
    + apply Forall_forall. intros r I. apply in_map_iff in I as (q & <- & _). now apply pairs.
    + apply Forall_forall. intros r I. apply in_map_iff in I as (q & <- & _). apply const.
  - intro t. unfold scaled, map_network, map_layer; simpl.
    assert (E : forall u d, map2 Rmult (map (fun f => f t) u) d = map (fun f => f t) (map2 T u d)).
    { induction u as [|f u IH]; intros [|c d]; simpl; try reflexivity. now rewrite IH. }
    f_equal; [|f_equal]; f_equal.
    + generalize (weight l). clear. induction a as [|f a IH]; intros [|r W]; simpl; try reflexivity. rewrite IH. f_equal. rewrite map_map. reflexivity.
    + apply E.
    + rewrite map_map. apply map_ext. intro r. apply E.
    + rewrite map_map. symmetry. apply map_id.
Qed.
Lemma continuity_power x : continuity (fun t => Rpower x t).
Proof.
  intro t. unfold Rpower. apply (continuity_pt_comp (fun t => t * ln x) exp); [|apply derivable_continuous_pt, derivable_pt_exp].
  apply (continuity_pt_mult (fun t => t) (fun _ => ln x)); [apply derivable_continuous_pt, derivable_pt_id | apply continuity_pt_const; intros a b; reflexivity].
Qed.
Theorem rescaled_traced c v : traced (fun t => rescaled c t v).
Proof.
  destruct (@scaled_traced (map (fun x t => Rpower x t) c) (map (fun x t => / Rpower x t) c) v) as (G & GC & E).
  - apply Forall_forall. intros f I. apply in_map_iff in I as (x & <- & _). apply continuity_power.
  - apply Forall_forall. intros f I. apply in_map_iff in I as (x & <- & _). intro t. apply (continuity_pt_inv (fun t => Rpower x t)); [apply continuity_power | apply Rgt_not_eq, exp_pos].
  - exists G. split; [exact GC|]. intro t. rewrite <- E. unfold rescaled. now rewrite !map_map.
Qed.
Theorem balancing_curve_traced v : traced (fun t => balancing_curve t v).
Proof.
  assert (one : forall x y, continuity (fun t => toward t x y)).
  { intros x y. unfold toward. destruct (Rlt_dec 0 (x * y)); [apply continuity_power|]. intro t. apply (continuity_pt_minus (fun _ => 1) (fun t => t)).
    - apply continuity_pt_const. intros a b. reflexivity.
    - apply derivable_continuous_pt, derivable_pt_id. }
  assert (all : forall u d, Forall continuity (map2 (fun x y t => toward t x y) u d)) by (induction u as [|x u IH]; intros [|y d]; simpl; constructor; [apply one | apply IH]).
  destruct (@scaled_traced (map2 (fun x y t => toward t x y) (row_norms v) (head_norms v)) (map2 (fun x y t => toward t x y) (head_norms v) (row_norms v)) v (all _ _) (all _ _)) as (G & GC & E).
  exists G. split; [exact GC|]. intro t. rewrite <- E. unfold balancing_curve.
  assert (M : forall u d, map2 (toward t) u d = map (fun f => f t) (map2 (fun x y t => toward t x y) u d)) by (induction u as [|x u IH]; intros [|y d]; simpl; try reflexivity; now rewrite IH).
  now rewrite !M.
Qed.
(** They lead from a network to its image. *)
Lemma scaled_by_one n v a b : shallow n v -> a = repeat 1 n -> b = repeat 1 n -> scaled a b v = v.
Proof.
  intros S -> ->. destruct v as [|[W d] [|[V c] [|? ?]]]; try easy. destruct S as (S1 & S2 & S3). simpl in *. f_equal; [|f_equal]; f_equal.
  - clear - S1. subst. induction W as [|r W IH]; simpl; [reflexivity|]. now rewrite IH, map_one.
  - clear - S2. subst. induction d as [|y d IH]; simpl; [reflexivity|]. now rewrite IH, Rmult_1_l.
  - clear - S3. induction S3 as [|r V L S3 IH]; simpl; [reflexivity|]. rewrite IH. f_equal. subst. clear. induction r as [|y r IH]; simpl; [reflexivity|]. now rewrite IH, Rmult_1_l.
Qed.
Lemma scaled_0 n u d : length u = n -> length d = n -> map2 (toward 0) u d = repeat 1 n.
Proof.
  revert n d. induction u as [|x u IH]; intros [|n] [|y d] A B; try discriminate; simpl; [reflexivity|]. rewrite (IH n) by (injection A; injection B; auto). f_equal.
  unfold toward. destruct (Rlt_dec 0 (x * y)); [apply Rpower_0 | lra].
Qed.
Lemma scaled_1 u d : Forall (fun x => 0 <= x) u -> Forall (fun x => 0 <= x) d -> map2 (toward 1) u d = map2 balancing u d.
Proof.
  intro U. revert d. induction U as [|x u X U IH]; intros d D; [reflexivity|]. destruct D as [|y d Y D]; [reflexivity|]. simpl. rewrite IH by assumption. f_equal.
  unfold toward. destruct (Rlt_dec 0 (x * y)) as [H|H]; [apply Rpower_1; now apply balancing_pos|]. unfold balancing. destruct (Rlt_dec 0 (x * y)); [contradiction | ring].
Qed.
Theorem balancing_curve_ends n l m : shallow n [l; m] -> weight m <> [] -> balancing_curve 0 [l; m] = [l; m] /\ balancing_curve 1 [l; m] = balance [l; m].
Proof.
  intros S N. destruct (lengths S N) as [LX LY]. unfold balancing_curve, balance. split.
  - apply scaled_by_one with n; [assumption | now apply scaled_0 ..].
  - rewrite !scaled_1 by apply norms_nonneg. reflexivity.
Qed.

(** ** The image of a path *)
Definition holds_entries (C : list (list (R -> R))) (r : list (R -> R)) : Prop := Forall2 (fun c f => In f c) C r.
Lemma attach_holds r C n : length r = n -> (C = [] \/ length C = n) -> holds_entries (attach r C) r /\
  forall q, holds_entries C q -> length q = n -> holds_entries (attach r C) q.
Proof.
  unfold holds_entries. revert r C; induction n as [|n IH]; intros [|f r] C L H; try discriminate; simpl in *.
  - split; [destruct H as [->|H]; [constructor | destruct C; [constructor | discriminate]]|]. intros q Q LQ. exact Q.
  - injection L as L. destruct C as [|c C]; simpl.
    + destruct (IH r [] L (or_introl eq_refl)) as [I1 I2]. split; [constructor; [now left | exact I1]|]. intros q Q LQ. inversion Q. subst q. discriminate.
    + destruct H as [H|H]; [discriminate|]. injection H as H. destruct (IH r C L (or_intror H)) as [I1 I2]. split; [constructor; [now left | exact I1]|].
      intros [|z q] Q LQ; [discriminate|]. inversion_clear Q as [|? ? ? ? Q1 Q2]. constructor; [now right | apply I2; [assumption | now injection LQ]].
Qed.
Lemma columns_hold W n : Forall (fun r => length r = n) W -> Forall (holds_entries (columns W)) W.
Proof.
  induction 1 as [|r W L H IH]; [constructor|].
  assert (C : columns W = [] \/ length (columns W) = n) by (destruct (columns_length H) as [-> | Q]; [now left | now right]).
  destruct (attach_holds L C) as [Z K]. constructor; [exact Z|]. rewrite Forall_forall in *. intros q I. apply K; [now apply IH | now apply H].
Qed.
Lemma entry_below f (u : list (R -> R)) t : In f u -> Rabs (f t) <= norm (map (fun f => f t) u).
Proof.
  intro I. apply le_of_squares; [apply norm_nonneg|]. rewrite norm_square. replace (Rabs (f t) * Rabs (f t)) with (f t * f t) by (pose proof (Rsqr_abs (f t)) as Q; unfold Rsqr in Q; exact Q).
  induction u as [|g u IH]; [easy|]. simpl. rewrite dot_cons. pose proof (dot_self_nonneg (map (fun f => f t) u)). pose proof (Rle_0_sqr (g t)) as Q. unfold Rsqr in Q.
  destruct I as [<-|I]; [lra|]. specialize (IH I). lra.
Qed.
Lemma attach_at t r (C : list (list (R -> R))) : attach (map (fun f => f t) r) (map (map (fun f => f t)) C) = map (map (fun f => f t)) (attach r C).
Proof. revert C; induction r as [|x r IH]; intros [|c C]; simpl; try reflexivity; f_equal; [apply (IH []) | apply IH]. Qed.
Lemma columns_at t (W : list (list (R -> R))) : columns (map (map (fun f => f t)) W) = map (map (fun f => f t)) (columns W).
Proof. induction W as [|r W IH]; [reflexivity|]. simpl. fold (columns (map (map (fun f : R -> R => f t)) W)). fold (columns W). now rewrite IH, attach_at. Qed.
Definition norm_of (u : list (R -> R)) (t : R) : R := norm (map (fun f => f t) u).
(** [e t] times the factor that balances a neuron with the rows [p] and [q]. *)
Definition balanced_entry (p q : list (R -> R)) (e : R -> R) (t : R) : R := balancing (norm_of p t) (norm_of q t) * e t.
Lemma balanced_entry_continuous p q e : Forall continuity p -> Forall continuity q -> In e p -> continuity (balanced_entry p q e).
Proof.
  intros P Q I. apply continuity_balanced.
  - now apply continuity_norm.
  - now apply continuity_norm.
  - rewrite Forall_forall in P. now apply P.
  - intro t. apply norm_nonneg.
  - intro t. apply norm_nonneg.
  - intro t. now apply entry_below.
Qed.
Fixpoint map3 {A B C D} (f : A -> B -> C -> D) (u : list A) (v : list B) (w : list C) : list D :=
  match u, v, w with a :: u', b :: v', c :: w' => f a b c :: map3 f u' v' w' | _, _, _ => [] end.
Lemma rows_scaled_at t (P Q : list (list (R -> R))) W : map (map (fun h => h t)) (map3 (fun p q r => map (balanced_entry p q) r) P Q W)
  = map2 (fun x r => map (Rmult x) r) (map2 balancing (map (fun p => norm_of p t) P) (map (fun q => norm_of q t) Q)) (map (map (fun h => h t)) W).
Proof. revert Q W. induction P as [|p P IH]; intros [|q Q] [|r W]; simpl; try reflexivity. rewrite IH. f_equal. rewrite !map_map. reflexivity. Qed.
Lemma entries_scaled_at t (P Q : list (list (R -> R))) b : map (fun h => h t) (map3 (fun p q e => balanced_entry p q e) P Q b)
  = map2 Rmult (map2 balancing (map (fun p => norm_of p t) P) (map (fun q => norm_of q t) Q)) (map (fun h => h t) b).
Proof. revert Q b. induction P as [|p P IH]; intros [|q Q] [|e b]; simpl; try reflexivity. now rewrite IH. Qed.
Lemma rows_continuous P Q W : Forall (Forall continuity) P -> Forall (Forall continuity) Q -> Forall2 (fun p r => forall e, In e r -> In e p) P W ->
  Forall (Forall continuity) (map3 (fun p q r => map (balanced_entry p q) r) P Q W).
Proof.
  intros CP CQ H. revert Q CQ CP. induction H as [|p r P W I H IH]; intros [|q Q] CQ CP; simpl; constructor; inversion_clear CP as [|? ? C1 C2]; inversion_clear CQ as [|? ? C3 C4]; [|now apply IH].
  apply Forall_forall. intros f J. apply in_map_iff in J as (e & <- & J). apply balanced_entry_continuous; auto.
Qed.
Lemma entries_continuous P Q b : Forall (Forall continuity) P -> Forall (Forall continuity) Q -> Forall2 (fun p e => In e p) P b ->
  Forall continuity (map3 (fun p q e => balanced_entry p q e) P Q b).
Proof.
  intros CP CQ H. revert Q CQ CP. induction H as [|p e P b I H IH]; intros [|q Q] CQ CP; simpl; constructor; inversion_clear CP as [|? ? C1 C2]; inversion_clear CQ as [|? ? C3 C4]; [|now apply IH].
  now apply balanced_entry_continuous.
Qed.
Lemma extended_at t (b : list (R -> R)) (W : list (list (R -> R))) : map2 cons (map (fun h => h t) b) (map (map (fun h => h t)) W) = map (map (fun h => h t)) (map2 cons b W).
Proof. revert W. induction b as [|y b IH]; intros [|r W]; simpl; try reflexivity. now rewrite IH. Qed.
(** The image of a path of parameters under the balancing map is one. *)
Theorem balance_traced n (g : R -> network R) : (forall t, shallow n (g t)) -> traced g -> traced (fun t => balance (g t)).
Proof.
  intros S (G & GC & E). assert (S0 := S 0). rewrite (E 0) in S0.
  destruct G as [|L [|M [|? ?]]]; try easy. inversion_clear GC as [|? ? [CW CB] GC']. inversion_clear GC' as [|? ? [DW DB] _].
  destruct S0 as (S1 & S2 & S3). simpl in S1, S2, S3. rewrite map_length in S1, S2.
  assert (S3' : Forall (fun r => length r = n) (weight M)).
  { apply Forall_forall. intros r I. rewrite Forall_forall in S3. specialize (S3 _ (in_map (map (fun f : R -> R => f 0)) _ _ I)). now rewrite map_length in S3. }
  set (P := map2 cons (bias L) (weight L)). set (Q := columns (weight M)).
  assert (CP : Forall (Forall continuity) P).
  { unfold P. clear - CW CB. revert CB. generalize (bias L). induction CW as [|r W C CW IH]; intros [|y b] CB; simpl; constructor; inversion_clear CB; [now constructor | now apply IH]. }
  assert (CQ : Forall (Forall continuity) Q).
  { unfold Q. clear - DW. assert (A : forall r C, Forall continuity r -> Forall (Forall continuity) C -> Forall (Forall continuity) (attach r C)).
    { induction r as [|x r IH]; intros C H K; simpl; [assumption|]. inversion_clear H as [|? ? H1 H2]. destruct K as [|c C K1 K2]; apply Forall_cons.
      - apply Forall_cons; [assumption | apply Forall_nil].
      - apply IH; [assumption | apply Forall_nil].
      - now apply Forall_cons.
      - now apply IH. }
    induction DW; simpl; [constructor | now apply A]. }
  assert (rows : Forall2 (fun p r => forall e, In e r -> In e p) P (weight L) /\ Forall2 (fun p e => In e p) P (bias L)).
  { unfold P. rewrite <- S2 in S1. clear - S1. revert S1. generalize (bias L). induction (weight L) as [|r W IH]; intros [|y b] S1; try discriminate; simpl; [split; constructor|].
    injection S1 as S1. destruct (IH b S1) as [I1 I2]. split; constructor; try assumption; [intros e I; now right | now left]. }
  exists [Layer (map3 (fun p q r => map (balanced_entry p q) r) P Q (weight L)) (map3 (fun p q e => balanced_entry p q e) P Q (bias L));
          Layer (map (fun r => map3 (fun q p e => balanced_entry q p e) Q P r) (weight M)) (bias M)].
  split.
  - constructor; [|constructor; [|constructor]]; split; simpl.
    + now apply rows_continuous.
    + now apply entries_continuous.
    + apply Forall_forall. intros r I. apply in_map_iff in I as (q & <- & I). apply entries_continuous; try assumption.
      pose proof (columns_hold S3') as H. rewrite Forall_forall in H. exact (H q I).
    + assumption.
  - intro t. rewrite E. unfold balance, scaled, row_norms, head_norms, extended_rows, map_network, map_layer; cbn [map hd last weight bias].
    rewrite extended_at, columns_at, !map_map. fold P Q. f_equal; [|f_equal]; f_equal.
    + symmetry. apply rows_scaled_at.
    + symmetry. apply entries_scaled_at.
    + apply map_ext. intro r. symmetry. apply entries_scaled_at.
Qed.

(** ** What joins two vertices of a claim's path, in balanced form *)
Lemma same_shape_shallow n v w : same_shape v w -> shallow n v -> shallow n w.
Proof.
  intros S V. destruct v as [|l [|m [|? ?]]]; try easy. destruct w as [|l' w]; [inversion S|]. inversion_clear S as [|? ? ? ? [A1 A2] S'].
  destruct w as [|m' w]; [inversion S'|]. inversion_clear S' as [|? ? ? ? [B1 B2] S]. destruct w; [|inversion S]. destruct V as (V1 & V2 & V3). simpl.
  split; [rewrite <- (same_rows_length A1); exact V1|]. split; [congruence|]. clear - B1 V3. induction B1; constructor; inversion_clear V3; [congruence | auto].
Qed.
Theorem balanced_segment_traced n v w : shallow n v -> same_shape v w -> traced (fun t => balance (lerp_network t v w)).
Proof.
  intros V S. apply (@balance_traced n (fun t => lerp_network t v w)); [|apply segment_traced]. intro t. apply same_shape_shallow with v; [|exact V].
  clear V. induction S as [|l m v w [S1 S2] S IH]; [constructor|]. cbn [lerp_network map2]. constructor; [|exact IH]. split; simpl; [|rewrite map2_length; lia].
  clear - S1. induction S1; simpl; constructor; [rewrite map2_length; lia | assumption].
Qed.
Theorem balanced_rescaled_traced n c v : shallow n v -> length c = n -> traced (fun t => balance (rescaled c t v)).
Proof.
  intros V L. apply (@balance_traced n (fun t => rescaled c t v)); [|apply rescaled_traced]. intro t. apply same_shape_shallow with v; [|exact V].
  assert (S : same_shape (rescaled c t v) v) by (apply scaled_same with n; [exact V | now rewrite map_length ..]). clear - S.
  induction S as [|l m u w [S1 S2] S IH]; constructor; [|exact IH]. split; [|now symmetry]. clear - S1. induction S1; constructor; [now symmetry | assumption].
Qed.
