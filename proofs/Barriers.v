(** * The checker of barrier_lower_bound, for a trained and for a frozen output layer, and the theorem that what it accepts is true *)
From Coq Require Import Reals List ZArith Bool Lia Lra PeanoNat Permutation.
From Proofs Require Import Spec Convex Moves Scaling Balance Fixed Eval Chord Bound Checker Dual Heads Barrier Faces.
Import ListNotations.
Set Implicit Arguments.
Unset Strict Implicit.
Open Scope Z_scope.
Arguments Z.eqb : simpl never.
Arguments Z.mul : simpl never.
Arguments Z.add : simpl never.

(** A hyperplane that carries no facet of a pattern's cone: [r_den] times its normal is the sum of others of the cone's normals. *)
Record redundancy := Redundancy { r_pattern : list bool; r_sample : nat; r_den : Z; r_terms : list (Z * nat) }.
(** Without [f_moving] a neuron's u is 0. All numbers of a dual are over [f_den]; multipliers are times the sum of the weights. *)
Record face := Face { f_moving : option (bool * list bool); f_facet : nat; f_others : list (bool * list bool); f_den : Z; f_nu : list Z; f_mu : list (list Z) }.
Record barrier_claim := BarrierClaim { b_hidden : bool; b_output : bool; b_frozen : bool; b_around_A : bool; b_level : Z; b_gap : Z;
  b_chambers : list (list bool * list Z); b_redundant : list redundancy; b_cells : list (list (bool * list bool));
  b_inside : list (bool * list bool); b_outside : list (bool * list bool); b_faces : list face }.

Definition pattern_eqb := list_eqb Bool.eqb.
Definition code_eqb (c d : bool * list bool) : bool := Bool.eqb (fst c) (fst d) && pattern_eqb (snd c) (snd d).
Definition cell_eqb := list_eqb code_eqb.
Lemma pattern_eqb_eq a b : pattern_eqb a b = true -> a = b.
Proof. apply list_eqb_eq. intros x y. apply Bool.eqb_prop. Qed.
Lemma code_eqb_eq c d : code_eqb c d = true -> c = d.
Proof. destruct c, d. unfold code_eqb; simpl. intro E. apply andb_prop in E as [E1 E2]. apply Bool.eqb_prop in E1. apply pattern_eqb_eq in E2. now subst. Qed.
Lemma cell_eqb_eq C D : cell_eqb C D = true -> C = D.
Proof. apply list_eqb_eq. apply code_eqb_eq. Qed.

Lemma Forall2_len {A B} (Q : A -> B -> Prop) u v : Forall2 Q u v -> length u = length v.
Proof. induction 1; simpl; auto. Qed.

(** ** Vectors of integers *)
Definition nilb (x : list Z) : bool := forallb (Z.eqb 0) x.
Fixpoint pivot (x y : list Z) : option (Z * Z) :=
  match x, y with a :: x', b :: y' => if a =? 0 then pivot x' y' else Some (a, b) | _, _ => None end.
Definition parallelb (x y : list Z) : bool :=
  match pivot x y with Some (a, b) => negb (b =? 0) && vector_eqb (map (Z.mul b) x) (map (Z.mul a) y) | None => false end.
Fixpoint zadd (u v : list Z) : list Z := match u, v with a :: u', b :: v' => (a + b) :: zadd u' v' | [], _ => v | _, [] => u end.
Definition zsigned (b : bool) (x : list Z) : list Z := if b then x else map Z.opp x.

Section Barrier.
Variables s e : Z.
Hypothesis s_pos : 0 <= s.
Hypothesis e_pos : 0 <= e.
Notation p := (scale s e).
Notation row := (map (real s)).
Notation PR := (map_problem (real s)).
Notation net := (map_network (real s)).
Notation U := (IZR (unit s)).
Lemma U_pos : (0 < U)%R. Proof. apply IZR_lt. now apply unit_pos. Qed.

Lemma nilb_ok x : nilb x = true <-> nil (row x).
Proof.
  pose proof U_pos. unfold nilb, nil. induction x as [|a x IH]; simpl; [split; [constructor | reflexivity]|]. rewrite andb_true_iff, IH. split.
  - intros [E H']. apply Z.eqb_eq in E as <-. constructor; [apply real_0 | assumption].
  - intro N. inversion_clear N as [|? ? N1 N2]. split; [|assumption]. apply Z.eqb_eq. apply eq_IZR. unfold real in N1. fold (unit s) in N1.
    apply Rmult_eq_reg_r with (/ U)%R; [unfold Rdiv in N1; lra | apply Rinv_neq_0_compat; lra].
Qed.
Lemma real_inj a b : real s a = real s b -> a = b.
Proof. pose proof U_pos. unfold real. fold (unit s). intro E. apply eq_IZR. apply Rmult_eq_reg_r with (/ U)%R; [exact E | apply Rinv_neq_0_compat; lra]. Qed.
Lemma real_scale a b : real s (a * b) = (IZR a * real s b)%R.
Proof. unfold real. rewrite mult_IZR. unfold Rdiv. ring. Qed.
Lemma parallelb_ok x y : ~ nil (row x) -> (parallelb x y = true <-> parallel (row x) (row y)).
Proof.
  intro N. unfold parallelb. split.
  - destruct (pivot x y) as [[a b]|] eqn:PV; [|discriminate]. intro E. apply andb_prop in E as [E1 E2]. apply negb_true_iff, Z.eqb_neq in E1. apply vector_eqb_eq in E2.
    assert (A : a <> 0). { clear - PV. revert y PV. induction x as [|c x IH]; intros [|d y] PV; try discriminate. simpl in PV. destruct (Z.eqb_spec c 0); [now apply (IH y) | injection PV as -> ->; assumption]. }
    assert (A' : IZR a <> 0%R) by (now apply not_0_IZR). assert (B' : IZR b <> 0%R) by (now apply not_0_IZR).
    exists (IZR b / IZR a)%R. split; [unfold Rdiv; apply Rmult_integral_contrapositive_currified; [assumption | now apply Rinv_neq_0_compat]|].
    clear - E2 A'. revert y E2. induction x as [|c x IH]; intros [|d y] E2; try discriminate; [reflexivity|]. simpl in *. injection E2 as E1 E2. f_equal; [|now apply IH].
    apply Rmult_eq_reg_l with (IZR a); [|assumption]. rewrite <- real_scale, <- E1, real_scale. field. assumption.
  - intros (c & C & E). assert (PV : exists a b, pivot x y = Some (a, b) /\ a <> 0 /\ real s b = (c * real s a)%R).
    { clear C. revert y E N. induction x as [|a x IH]; intros [|b y] E N; simpl in *; try discriminate; [elim N; constructor|]. injection E as E1 E2. destruct (Z.eqb_spec a 0) as [Z0|Z0].
      - apply IH; [assumption|]. intro Q. apply N. constructor; [subst; apply real_0 | assumption].
      - now exists a, b. }
    destruct PV as (a & b & -> & A & B). assert (A' : real s a <> 0%R) by (rewrite <- (real_0 s); intro Q; now apply real_inj in Q).
    apply andb_true_iff. split.
    + apply negb_true_iff, Z.eqb_neq. intros ->. rewrite real_0 in B. symmetry in B. apply Rmult_integral in B as [B|B]; contradiction.
    + assert (X : map (Z.mul b) x = map (Z.mul a) y).
      { pose proof U_pos. assert (K : (IZR b = c * IZR a)%R). { unfold real in B. fold (unit s) in B. apply Rmult_eq_reg_r with (/ U)%R; [unfold Rdiv in B; lra | apply Rinv_neq_0_compat; lra]. }
        clear - E K s_pos. revert y E. induction x as [|a' x IH]; intros [|b' y] E; simpl in *; try discriminate; [reflexivity|]. injection E as E1 E2. f_equal; [|now apply IH].
        apply real_inj. rewrite !real_scale, K, E1. ring. }
      rewrite X. clear. unfold vector_eqb. induction y as [|b y IH]; simpl; [reflexivity|]. now rewrite Z.eqb_refl, IH.
Qed.
Lemma dot_real x u : dot (row x) (row u) = (IZR (weigh x u) / (U * U))%R.
Proof.
  pose proof U_pos. unfold weigh. revert u. induction x as [|a x IH]; intros [|b u]; simpl; rewrite ?dot_nil_l, ?dot_nil_r; try (field; lra).
  rewrite dot_cons, IH, plus_IZR, real_mul by assumption. field. lra.
Qed.
Lemma side_real b x u : on_side b (dot (row x) (row u)) <-> (if b then 0 <= weigh x u else weigh x u <= 0).
Proof.
  pose proof U_pos. rewrite dot_real. assert (UU : (0 < / (U * U))%R) by (apply Rinv_0_lt_compat; nra).
  destruct b; simpl; unfold Rdiv; split; intro H'.
  - apply le_IZR. nra.
  - apply IZR_le in H'. nra.
  - apply le_IZR. nra.
  - apply IZR_le in H'. nra.
Qed.
Lemma off_real (b : bool) x u : (if b then 0 < weigh x u else weigh x u < 0) -> off_side b (dot (row x) (row u)).
Proof.
  pose proof U_pos. rewrite dot_real. assert (UU : (0 < / (U * U))%R) by (apply Rinv_0_lt_compat; nra).
  destruct b; simpl; unfold Rdiv; intro H'; apply IZR_lt in H'; nra.
Qed.

(** ** Cones *)
Variable XZ : list (list Z).
Variable n : nat.
Hypothesis XZ_length : Forall (fun x => length x = n) XZ.
Notation X := (map row XZ).
Lemma X_length : Forall (fun x => length x = n) X.
Proof. apply Forall_forall. intros y I. apply in_map_iff in I as (x & <- & I). rewrite map_length. exact (proj1 (Forall_forall _ _) XZ_length x I). Qed.
Definition interiorb (a : list bool) (u : list Z) : bool :=
  all_pairs (fun (b : bool) x => if nilb x then negb b else if b then 0 <? weigh x u else weigh x u <? 0) a XZ.
Lemma interiorb_ok a u : length u = n -> interiorb a u = true -> chamber n X a.
Proof.
  intros L E. exists (row u). split; [now rewrite map_length|]. unfold interiorb in E. unfold in_interior.
  apply (all_pairs_ok (Q := fun b x => (nil (row x) /\ b = false) \/ (~ nil (row x) /\ off_side b (dot (row x) (row u))))) in E.
  - clear - E. induction E; simpl; constructor; assumption.
  - intros b x Q. destruct (nilb x) eqn:NX.
    + left. split; [now apply nilb_ok | now apply negb_true_iff in Q].
    + right. split; [intro N; apply nilb_ok in N; congruence|]. apply off_real. destruct b; now apply Z.ltb_lt.
Qed.
Definition flip_class (x : list Z) (a : list bool) : list bool := map2 (fun b y => if parallelb x y then negb b else b) a XZ.
Lemma crosses_flip a b : crosses X a b -> length b = length a -> exists x, In x XZ /\ ~ nil (row x) /\ b = flip_class x a.
Proof.
  intros (x' & I & N & H) L. apply in_map_iff in I as (x & <- & I). exists x. split; [assumption|]. split; [assumption|].
  unfold flip_class. clear I. revert b L H. revert a. clear XZ_length. induction XZ as [|y Y IH]; intros [|a0 a] [|b0 b] L H; simpl in *; try discriminate; try reflexivity; try (now inversion H).
  inversion_clear H as [|? ? ? ? H1 H2]. simpl in H1. rewrite <- (IH a b) by (assumption || lia). f_equal.
  destruct (parallelb x y) eqn:PB; destruct H1 as [[P E]|[P E]]; try assumption; exfalso; apply P || (apply (parallelb_ok y N) in P; congruence).
  - now apply (parallelb_ok y N).
Qed.
(** *** Redundant hyperplanes *)
Definition term_of (a : list bool) (t : Z * nat) : list Z := map (Z.mul (fst t)) (zsigned (nth (snd t) a false) (nth (snd t) XZ [])).
Definition redundancyb (r : redundancy) : bool :=
  let a := r_pattern r in let x := nth (r_sample r) XZ [] in
  (0 <? r_den r) && Nat.ltb (r_sample r) (length XZ) && negb (nilb x) && Nat.eqb (length a) (length XZ) &&
  forallb (fun t => (0 <=? fst t) && Nat.ltb (snd t) (length XZ) && negb (parallelb x (nth (snd t) XZ []))) (r_terms r) &&
  vector_eqb (map (Z.mul (r_den r)) (zsigned (nth (r_sample r) a false) x)) (fold_right zadd (repeat 0 n) (map (term_of a) (r_terms r))).
Definition hides (r : redundancy) (a b : list bool) : bool := pattern_eqb (r_pattern r) a && pattern_eqb (flip_class (nth (r_sample r) XZ []) a) b.

Lemma flip_length x a : length a = length XZ -> length (flip_class x a) = length a.
Proof. intro L. unfold flip_class. rewrite map2_length. lia. Qed.
Lemma flip_forall x a : ~ nil (row x) -> length a = length XZ ->
  Forall2 (fun ab y => parallel (row x) y /\ snd ab = negb (fst ab) \/ ~ parallel (row x) y /\ snd ab = fst ab) (combine a (flip_class x a)) X.
Proof.
  intros N. unfold flip_class. clear XZ_length. revert a. induction XZ as [|y Y IH]; intros [|b a] L; try discriminate; simpl; constructor.
  - simpl. destruct (parallelb x y) eqn:PB; [left | right]; (split; [|reflexivity]).
    + now apply parallelb_ok.
    + intro Q. apply (parallelb_ok y N) in Q. congruence.
  - apply IH. now injection L.
Qed.
Lemma dot_vadd_l u v q : length u = length v -> dot (vadd u v) q = (dot u q + dot v q)%R.
Proof.
  revert v q. induction u as [|a u IH]; intros [|b v] [|c q] L; try discriminate; simpl; rewrite ?dot_nil_l, ?dot_nil_r; try ring. rewrite !dot_cons, IH by (injection L; auto). ring.
Qed.
Lemma row_zadd u v : row (zadd u v) = vadd (row u) (row v).
Proof. revert v. induction u as [|a u IH]; intros [|b v]; simpl; try reflexivity. rewrite IH. f_equal. unfold real. rewrite plus_IZR. lra. Qed.
Lemma zadd_length k u v : length u = k -> length v = k -> length (zadd u v) = k.
Proof. revert k v. induction u as [|a u IH]; intros k [|b v] A B; simpl in *; auto. destruct k; [discriminate|]. rewrite (IH k v); lia. Qed.
Lemma row_scale d x : row (map (Z.mul d) x) = map (Rmult (IZR d)) (row x).
Proof. rewrite !map_map. apply map_ext. intro z. apply real_scale. Qed.
Lemma row_signed b x : row (zsigned b x) = signed b (row x).
Proof. destruct b; simpl; [reflexivity|]. rewrite !map_map. apply map_ext. intro z. unfold real. rewrite opp_IZR. lra. Qed.
Lemma in_combine_nth (a : list bool) k : (k < length XZ)%nat -> length a = length XZ -> In (nth k a false, row (nth k XZ [])) (combine a X).
Proof.
  clear XZ_length. revert a k. induction XZ as [|y Y IH]; intros [|b a] k K L; simpl in *; try lia; try discriminate. destruct k; [now left | right; apply IH; lia].
Qed.
Lemma nth_length k : (k < length XZ)%nat -> length (nth k XZ []) = n.
Proof. intro K. apply (proj1 (Forall_forall _ _) XZ_length). now apply nth_In. Qed.
Lemma redundancyb_ok r a b : redundancyb r = true -> hides r a b = true -> chamber n X a -> ~ chamber n X b.
Proof.
  intros E H CA. unfold hides in H. apply andb_prop in H as [H1 H2]. apply pattern_eqb_eq in H1, H2. unfold redundancyb in E. cbv zeta in E.
  rewrite H1 in E. set (x := nth (r_sample r) XZ []) in *.
  apply andb_prop in E as [E EV]. apply andb_prop in E as [E ET]. apply andb_prop in E as [E EL]. apply andb_prop in E as [E EN]. apply andb_prop in E as [ED EI].
  apply Z.ltb_lt in ED. apply Nat.ltb_lt in EI. apply negb_true_iff in EN. apply Nat.eqb_eq in EL. apply vector_eqb_eq in EV. rewrite forallb_forall in ET.
  assert (NX : ~ nil (row x)) by (intro Q; apply nilb_ok in Q; congruence). assert (D : (0 < IZR (r_den r))%R) by now apply IZR_lt.
  apply (@redundant n X a b (row x) (nth (r_sample r) a false)
    (map (fun t => (IZR (fst t) / IZR (r_den r), (nth (snd t) a false, row (nth (snd t) XZ [])))%R) (r_terms r))).
  - exact CA.
  - apply in_map. now apply nth_In.
  - exact NX.
  - rewrite <- H2. now apply flip_forall.
  - rewrite <- H2. now apply flip_length.
  - now apply in_combine_nth.
  - apply Forall_forall. intros k I. apply in_map_iff in I as (t & <- & I). specialize (ET t I). apply andb_prop in ET as [ET E3]. apply andb_prop in ET as [E1 E2].
    apply Z.leb_le, IZR_le in E1. apply Nat.ltb_lt in E2. apply negb_true_iff in E3. cbn [fst snd]. split; [|split].
    + apply Rmult_le_pos; [exact E1 | left; now apply Rinv_0_lt_compat].
    + now apply in_combine_nth.
    + intro Q. apply (parallelb_ok (nth (snd t) XZ []) NX) in Q. congruence.
  - intro q. rewrite map_map. cbn [fst snd].
    assert (K : dot (row (map (Z.mul (r_den r)) (zsigned (nth (r_sample r) a false) x))) q =
                sum (map (fun t => (IZR (fst t) * dot (signed (nth (snd t) a false) (row (nth (snd t) XZ []))) q)%R) (r_terms r))).
    { rewrite EV. clear EV.
      assert (LT : forall t, In t (r_terms r) -> length (term_of a t) = n).
      { intros t I. specialize (ET t I). apply andb_prop in ET as [ET _]. apply andb_prop in ET as [_ E2]. apply Nat.ltb_lt in E2. unfold term_of. rewrite map_length.
        unfold zsigned. destruct (nth (snd t) a false); rewrite ?map_length; now apply nth_length. }
      clear - LT. induction (r_terms r) as [|t ts IH]; simpl.
      - assert (Z0 : forall m, dot (row (repeat 0 m)) q = 0%R) by (intro m; revert q; induction m as [|m IH]; intros [|c q]; simpl; rewrite ?dot_nil_l, ?dot_nil_r; try reflexivity; rewrite dot_cons, IH, real_0; ring).
        apply Z0.
      - rewrite row_zadd, dot_vadd_l.
        + rewrite sum_cons, IH by (intros; apply LT; now right). f_equal. unfold term_of. now rewrite row_scale, dot_scale_l, row_signed.
        + rewrite !map_length, (LT t (or_introl eq_refl)). symmetry. clear IH. assert (LT' : forall u, In u ts -> length (term_of a u) = n) by (intros; apply LT; now right).
          clear - LT'. induction ts as [|u ts IH]; simpl; [apply repeat_length|]. apply zadd_length; [apply LT'; now left | apply IH; intros; apply LT'; now right]. }
    rewrite row_scale, dot_scale_l, row_signed in K. apply Rmult_eq_reg_l with (IZR (r_den r)); [|lra]. rewrite K, <- map_scaled. f_equal. apply map_ext. intro t. field. lra.
Qed.

(** ** Duals of faces *)
Variable P : problem Z.
Notation c := (context_of e P).
Notation shares := (map (@share Z) (samples P)).
Notation T := (zsum shares).
(** Whether there is an output bias, and its value where the output layer is frozen. *)
Variables (output : bool) (fixed : option Z).
Definition is_fixed : bool := match fixed with Some _ => true | None => false end.
Definition domain_ratio (o : loss Z) (y : list Z) (v den : Z) : bool :=
  match o, y with
  | Logistic, [t] | Hinge, [t] => (t * t =? unit s * unit s) && (0 <=? - (t * v)) && (- (t * v) <=? unit s * den)
  | Squared, [_] => true
  | Absolute, [_] => Z.abs v <=? den
  | Huber d, [_] => Z.abs v * unit s <=? d * den
  | _, _ => false
  end.
Definition ratio (v den : Z) : itv := let q := Z.shiftl v p in Itv (q / den) (div_up q den).
Definition ratio_real (den v : Z) : R := (IZR v / IZR den)%R.
Lemma ratio_ok v den : 0 < den -> contains p (ratio v den) (ratio_real den v).
Proof.
  intro D. pose proof (S_pos (scale_pos s_pos e_pos)) as sp. pose proof (IZR_lt _ _ D) as D'. unfold contains, ratio, ratio_real; cbn [lo hi]. set (q := Z.shiftl v p).
  assert (Q : (IZR v / IZR den * S p * IZR den = IZR q)%R) by (unfold q; rewrite Z.shiftl_mul_pow2, mult_IZR by apply (scale_pos s_pos e_pos); unfold S; field; lra).
  pose proof (div_le q D). pose proof (div_up_ge q D). split; apply Rmult_le_reg_r with (IZR den); lra.
Qed.
Lemma domain_ratio_ok o y k v den : 0 < den -> domain_ratio o y v den = true -> in_domain (map_loss (real s) o) (row y) k [ratio_real den v].
Proof.
  intros D E. pose proof (IZR_lt _ _ D) as D'. pose proof U_pos as UP. unfold ratio_real.
  assert (signs : forall t, (t * t =? unit s * unit s) && (0 <=? - (t * v)) && (- (t * v) <=? unit s * den) = true ->
            (real s t * real s t = 1 /\ 0 <= - (real s t * (IZR v / IZR den)) <= 1)%R).
  { intros t Q. apply andb_prop in Q as [Q Q3]. apply andb_prop in Q as [Q1 Q2]. apply Z.eqb_eq in Q1. apply Z.leb_le, IZR_le in Q2, Q3. rewrite opp_IZR, mult_IZR in Q2, Q3. rewrite mult_IZR in Q3.
    rewrite real_mul, Q1, mult_IZR by assumption. split; [field; lra|]. unfold real. fold (unit s).
    replace (- (IZR t / U * (IZR v / IZR den)))%R with (- (IZR t * IZR v) / (U * IZR den))%R by (field; lra).
    assert (UD : (0 < U * IZR den)%R) by now apply Rmult_lt_0_compat. split; apply Rmult_le_reg_r with (U * IZR den)%R; try assumption; unfold Rdiv; rewrite ?Rmult_assoc, ?Rinv_l by lra; lra. }
  assert (mag : forall d, (IZR (Z.abs v) <= d * IZR den)%R -> (Rabs (IZR v / IZR den) <= d)%R).
  { intros d Q. unfold Rdiv. rewrite Rabs_mult, (Rabs_pos_eq (/ _)), <- abs_IZR by (left; now apply Rinv_0_lt_compat). apply Rmult_le_reg_r with (IZR den); [assumption|]. rewrite Rmult_assoc, Rinv_l; lra. }
  destruct o, y as [|t [|? ?]]; try discriminate; simpl in *.
  - constructor; [now apply signs | constructor].
  - constructor; [now apply signs | constructor].
  - reflexivity.
  - constructor; [|constructor]. apply mag. apply Z.leb_le, IZR_le in E. lra.
  - constructor; [|constructor]. apply mag. apply Z.leb_le, IZR_le in E. rewrite !mult_IZR in E. unfold real. fold (unit s).
    replace (IZR delta / U * IZR den)%R with (IZR delta * IZR den / U)%R by (field; lra). apply Rmult_le_reg_r with U; [assumption|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l; lra.
Qed.
Definition zsign (b : bool) : Z := if b then 1 else -1.
Definition zbit (b : bool) : Z := if b then 1 else 0.
Definition wdual (F : face) : list Z := map2 Z.mul shares (f_nu F).
Definition zcoefficients (F : face) (cd : bool * list bool) (mu : list Z) : list Z :=
  map2 (fun ab m => zsign (fst cd) * snd ab * zbit (fst ab) - unit s * m * zsign (fst ab)) (combine (snd cd) (wdual F)) mu.
Definition zcombination (ks : list Z) : list Z := fold_right (fun kx acc => zadd (map (Z.mul (fst kx)) (snd kx)) acc) (repeat 0 n) (combine ks XZ).
Definition residual_square (F : face) (cd : bool * list bool) (mu : list Z) : Z := zsum (map (fun z => z * z) (zcombination (zcoefficients F cd mu))).
Definition room_at (F : face) : Z := f_den F * (T * kappa P).
Definition excess_of (F : face) (cd : bool * list bool) (mu : list Z) : Z :=
  let q := residual_square F cd mu in if q <=? room_at F * room_at F then 0 else Z.max 0 (sqrt_up q - room_at F).
Definition codes_of (F : face) : list (bool * list bool) := match f_moving F with Some m => m :: f_others F | None => f_others F end.
Definition largest (F : face) : Z := fold_right Z.max 0 (map2 (excess_of F) (codes_of F) (f_mu F)).
Fixpoint free_at (k : nat) (mu : list Z) : bool := match mu, k with [], _ => true | _ :: mu', O => forallb (Z.leb 0) mu' | m :: mu', Datatypes.S k' => (0 <=? m) && free_at k' mu' end.
Definition multipliersb (F : face) : bool :=
  match f_moving F, f_mu F with
  | Some _, m :: ms => free_at (f_facet F) m && forallb (forallb (Z.leb 0)) ms
  | Some _, [] => false
  | None, ms => forallb (forallb (Z.leb 0)) ms
  end.
(** What a frozen output bias adds, rounded down. *)
Definition pull_at (constant : option Z) (F : face) : Z :=
  match constant with Some c0 => Z.shiftl (c0 * zsum (wdual F)) e / (f_den F * T) | None => 0 end.
Definition faceb (level : Z) (F : face) : bool :=
  let V := largest F in
  (0 <? f_den F) && Nat.eqb (length (f_nu F)) (length XZ) && Nat.eqb (length (f_mu F)) (length (codes_of F)) &&
  forallb (fun m => Nat.eqb (length m) (length XZ)) (f_mu F) && multipliersb F &&
  all_pairs (fun j v => domain_ratio (loss_of P) (target j) v (f_den F)) (samples P) (f_nu F) &&
  (negb (kappa P =? 0) || (V =? 0)) &&
  match fixed with
  | Some _ => true
  | None => negb output || if bias_priced P then Z.abs (zsum (wdual F)) * unit s <=? room_at F + V else zsum (wdual F) =? 0
  end &&
  match all_some (map2 (fun j v => iconjugate s e (c_loss c) (target j) (label j) [ratio v (f_den F)]) (c_samples c) (f_nu F)) with
  | Some u => Z.shiftl level e <=? pull_at fixed F - hi (imean shares u) - (if kappa P =? 0 then 0 else div_up (Z.shiftl (V * level) e) (f_den F * kappa P * T))
  | None => false
  end.

Section Dual.
Variable F : face.
Hypothesis den_pos : 0 < f_den F.
Notation den := (IZR (f_den F)).
Notation rat := (ratio_real (f_den F)).
Lemma D_pos : (0 < den)%R. Proof. now apply IZR_lt. Qed.
Lemma shares_PR : map (@share R) (samples (PR P)) = row shares.
Proof. cbn [samples map_problem]. apply map_shares. Qed.
Lemma weighted_real nu : weighted_dual (PR P) (map rat nu) = map (fun z => (IZR z / (U * den))%R) (map2 Z.mul shares nu).
Proof.
  pose proof U_pos. pose proof D_pos. unfold weighted_dual. rewrite shares_PR. revert nu. induction shares as [|w ws IH]; intros [|v nu]; simpl; try reflexivity.
  rewrite IH. f_equal. unfold real, ratio_real. fold (unit s). rewrite mult_IZR. field. lra.
Qed.
Lemma sum_ratio d (u : list Z) : sum (map (fun z => (IZR z / d)%R) u) = (IZR (zsum u) / d)%R.
Proof. apply zsum_real. Qed.
Lemma coefficients_real cd mu : map2 (fun ab m => (sign (fst cd) * snd ab * bit_of (fst ab) - m * sign (fst ab))%R)
    (combine (snd cd) (weighted_dual (PR P) (map rat (f_nu F)))) (map rat mu) = map (fun z => (IZR z / (U * den))%R) (zcoefficients F cd mu).
Proof.
  pose proof U_pos. pose proof D_pos. rewrite weighted_real. unfold zcoefficients. fold (wdual F). generalize (wdual F). generalize (snd cd). intros a q. revert a mu.
  induction q as [|w q IH]; intros [|b a] [|m mu]; simpl; try reflexivity. rewrite IH. f_equal. unfold ratio_real.
  rewrite minus_IZR, !mult_IZR. assert (S1 : forall x : bool, IZR (zsign x) = sign x) by (intros [|]; reflexivity). assert (S2 : forall x : bool, IZR (zbit x) = bit_of x) by (intros [|]; reflexivity).
  rewrite !S1, S2. field. lra.
Qed.
Lemma combination_real ks : combination_of n X (map (fun z => (IZR z / (U * den))%R) ks) = map (fun z => (IZR z / (U * U * den))%R) (zcombination ks).
Proof.
  pose proof U_pos. pose proof D_pos. unfold combination_of, zcombination. clear XZ_length. revert ks. induction XZ as [|x Y IH]; intros [|k ks]; simpl.
  1-3: (clear; induction n; simpl; [reflexivity|]; rewrite <- IHn0 || rewrite <- IHn; f_equal; unfold Rdiv; ring).
  rewrite IH. set (acc := fold_right _ _ _). clearbody acc. clear IH. revert acc. induction x as [|y x IH]; intros [|a acc]; simpl; try reflexivity.
  - f_equal; [unfold real; fold (unit s); rewrite mult_IZR; field; lra|]. clear IH. induction x as [|z x IH]; simpl; [reflexivity|]. rewrite IH. f_equal. unfold real. fold (unit s). rewrite mult_IZR. field. lra.
  - rewrite IH. f_equal. unfold real. fold (unit s). rewrite plus_IZR, mult_IZR. field. lra.
Qed.
Lemma norm_ratio d zs : (0 < d)%R -> (norm (map (fun z => (IZR z / d)%R) zs) * d * (norm (map (fun z => (IZR z / d)%R) zs) * d) = IZR (zsum (map (fun z => z * z)%Z zs)))%R.
Proof.
  intro D. replace (norm (map (fun z => (IZR z / d)%R) zs) * d * (norm (map (fun z => (IZR z / d)%R) zs) * d))%R
    with (norm (map (fun z => (IZR z / d)%R) zs) * norm (map (fun z => (IZR z / d)%R) zs) * (d * d))%R by ring.
  rewrite norm_square. induction zs as [|z zs IH]; simpl; [rewrite dot_nil_l; ring|]. rewrite dot_cons, plus_IZR, Rmult_plus_distr_r, IH, mult_IZR. field. lra.
Qed.
Hypothesis G : good_shares P.
Hypothesis K0 : 0 <= kappa P.
Notation V := (IZR (largest F) / (U * U * den))%R.
Lemma excess_ok cd mu : excess_of F cd mu <= largest F ->
  (norm (residual n X (fst cd) (snd cd) (weighted_dual (PR P) (map rat (f_nu F))) (map rat mu)) <= total (PR P) * kappa (PR P) + V)%R.
Proof.
  intro L. pose proof U_pos as UP. pose proof D_pos as DP. assert (d0 : (0 < U * U * den)%R) by (apply Rmult_lt_0_compat; [now apply Rmult_lt_0_compat | assumption]).
  unfold residual. rewrite coefficients_real, combination_real. set (zs := zcombination (zcoefficients F cd mu)) in *.
  pose proof (norm_ratio zs d0) as Q. set (r := norm _) in *. assert (R0 : (0 <= r)%R) by apply norm_nonneg.
  assert (TK : (total (PR P) * kappa (PR P) * (U * U * den) = IZR (room_at F))%R).
  { rewrite total_real. unfold room_at. cbn [kappa map_problem]. rewrite !mult_IZR. unfold real. fold (unit s). field. lra. }
  assert (RM : 0 <= room_at F) by (unfold room_at; destruct G as [_ GT]; apply Z.mul_nonneg_nonneg; [lia | apply Z.mul_nonneg_nonneg; lia]).
  apply Rmult_le_reg_r with (U * U * den)%R; [assumption|]. rewrite Rmult_plus_distr_r, TK. replace (V * (U * U * den))%R with (IZR (largest F)) by (field; lra).
  unfold excess_of, residual_square in L. fold zs in L. set (q := zsum (map (fun z => z * z) zs)) in *. assert (rd : (0 <= r * (U * U * den))%R) by (apply Rmult_le_pos; lra).
  destruct (Z.leb_spec q (room_at F * room_at F)) as [LE|GT].
  - apply IZR_le in LE, L. rewrite mult_IZR in LE. apply Rle_trans with (IZR (room_at F)); [|lra]. apply le_of_squares; [now apply IZR_le | rewrite Q; exact LE].
  - assert (QP : 0 <= q) by nia. destruct (sqrt_up_ge QP) as [U1 U2]. apply IZR_le in U1, U2. rewrite mult_IZR in U1.
    assert (A : (r * (U * U * den) <= IZR (sqrt_up q))%R) by (apply le_of_squares; [assumption | rewrite Q; exact U1]).
    assert (B : sqrt_up q - room_at F <= largest F) by lia. apply IZR_le in B. rewrite minus_IZR in B. lra.
Qed.
Lemma largest_nonneg : 0 <= largest F.
Proof. unfold largest. induction (map2 _ _ _); simpl; lia. Qed.

Notation pk := (if bias_priced P then kappa (PR P) else 0%R).
Theorem faceb_ok level ps rest cc : faceb level F = true -> proper (PR P) -> length XZ = length (samples P) -> 0 <= level ->
  Forall2 (fun cd v => length (snd v) = n /\ in_cone X (snd cd) (weighted_row v) /\ (nil (weighted_row v) \/ off_side (fst cd) (fst v))) (codes_of F) ps ->
  (match f_moving F, ps with Some _, v :: _ => dot (nth (f_facet F) X []) (weighted_row v) = 0%R | _, _ => True end) ->
  Forall (fun v => nil (weighted_row v)) rest -> match fixed with Some c0 => cc = real s c0 | None => output = false -> cc = 0%R end -> (real s level <= neuron_F X (PR P) pk (rest ++ ps) cc)%R.
Proof.
  intros E HP LX L0 HC HF HR HO. unfold faceb in E. cbv zeta in E.
  apply andb_prop in E as [E EB]. apply andb_prop in E as [E EO]. apply andb_prop in E as [E EK]. apply andb_prop in E as [E ED]. apply andb_prop in E as [E EM].
  apply andb_prop in E as [E EL]. apply andb_prop in E as [E EC]. apply andb_prop in E as [_ EN]. apply Nat.eqb_eq in EN, EC. rewrite forallb_forall in EL.
  destruct (all_some _) as [u|] eqn:EU; [|discriminate]. apply Z.leb_le, IZR_le in EB.
  pose proof U_pos as UP. pose proof D_pos as DP. assert (d0 : (0 < U * U * den)%R) by (apply Rmult_lt_0_compat; [now apply Rmult_lt_0_compat | assumption]).
  pose proof (S_pos (scale_pos s_pos e_pos)) as sp. pose proof largest_nonneg as VN. assert (VN' : (0 <= V)%R) by (apply Rmult_le_pos; [now apply IZR_le | left; now apply Rinv_0_lt_compat]).
  assert (KR : (0 <= kappa (PR P))%R) by apply HP. assert (T0 : (0 < total (PR P))%R) by (destruct HP as (_ & _ & _ & _ & H); exact H).
  assert (KZ : kappa (PR P) = 0%R -> largest F = 0).
  { intro Z0. cbn [kappa map_problem] in Z0. rewrite <- (real_0 s) in Z0. apply real_inj in Z0. rewrite Z0 in EK. apply orb_prop in EK as [EK|EK]; [discriminate | now apply Z.eqb_eq]. }
  set (cost := (if Z.eqb (kappa P) 0 then 0 else V * real s level / kappa (PR P))%R).
  set (pull := match fixed with Some c0 => (real s c0 * (IZR (zsum (wdual F)) / (U * den)))%R | None => 0%R end).
  assert (LV : (0 <= real s level)%R) by (rewrite <- (real_0 s); now apply real_le).
  apply (@face_bound n X X_length (PR P) pk) with (cs := codes_of F) (mus := map (map rat) (f_mu F)) (nu := map rat (f_nu F)) (V := V) (pull := pull) (cost := cost); try assumption.
  - cbn [samples map_problem]. now rewrite !map_length.
  - destruct (bias_priced P); lra.
  - now rewrite !map_length.
  - assert (side : forall j v, domain_ratio (loss_of P) (target j) v (f_den F) = true -> in_domain (map_loss (real s) (loss_of P)) (row (target j)) (label j) [rat v])
      by (intros j v Q; now apply domain_ratio_ok).
    pose proof (all_pairs_ok side ED) as H. clear - H. cbn [samples map_problem loss_of]. induction H; simpl; constructor; assumption.
  - apply Forall_forall. intros j I CE. cbn [samples map_problem loss_of] in *. apply in_map_iff in I as (i & <- & I). clear - ED CE I. revert ED. generalize (f_nu F). induction (samples P) as [|j J IH]; intros [|v nu] ED; try easy.
    simpl in ED. apply andb_prop in ED as [E1 E2]. destruct I as [<-|I]; [|now apply (IH I nu)]. destruct (loss_of P); simpl in *; discriminate.
  - assert (ML : forall cd mu, In (cd, mu) (combine (codes_of F) (f_mu F)) -> excess_of F cd mu <= largest F).
    { unfold largest. generalize (codes_of F) (f_mu F). intro cs. induction cs as [|x cs IH]; intros [|y ms] cd mu I; simpl in I; try easy. simpl. destruct I as [I|I]; [injection I as <- <-; lia | specialize (IH ms cd mu I); lia]. }
    assert (MF : Forall2 (fun mu v => Forall2 (fun m x => (0 <= m)%R \/ dot x (weighted_row v) = 0%R) mu X) (map (map rat) (f_mu F)) ps).
    { assert (nonneg : forall mu v, forallb (Z.leb 0) mu = true -> length mu = length XZ -> Forall2 (fun m x => (0 <= m)%R \/ dot x (weighted_row v) = 0%R) (map rat mu) X).
      { intros mu v. clear - DP. revert mu. induction XZ as [|x Y IH]; intros [|m mu] Q L; try discriminate; simpl; constructor; simpl in Q; apply andb_prop in Q as [Q1 Q2]; [left | apply IH; [assumption | now injection L]].
        unfold ratio_real. apply Rmult_le_pos; [apply IZR_le; now apply Z.leb_le | left; now apply Rinv_0_lt_compat]. }
      assert (free : forall k mu v, free_at k mu = true -> length mu = length XZ -> dot (nth k X []) (weighted_row v) = 0%R -> Forall2 (fun m x => (0 <= m)%R \/ dot x (weighted_row v) = 0%R) (map rat mu) X).
      { intros k mu v. clear - DP. revert k mu. induction XZ as [|x Y IH]; intros k [|m mu] Q L O; try discriminate; simpl; [constructor|]. destruct k; simpl in Q, O.
        - constructor; [now right|]. clear IH. injection L as L. clear - Q L DP. revert mu Q L. induction Y as [|y Y IH]; intros [|a mu] Q L; try discriminate; simpl; constructor; simpl in Q; apply andb_prop in Q as [Q1 Q2]; [left | apply IH; [assumption | now injection L]].
          unfold ratio_real. apply Rmult_le_pos; [apply IZR_le; now apply Z.leb_le | left; now apply Rinv_0_lt_compat].
        - apply andb_prop in Q as [Q1 Q2]. constructor; [left | apply (IH k); [assumption | now injection L | assumption]].
          unfold ratio_real. apply Rmult_le_pos; [apply IZR_le; now apply Z.leb_le | left; now apply Rinv_0_lt_compat]. }
      assert (rest_ok : forall ms vs, length ms = length vs -> (forall mu, In mu ms -> length mu = length XZ) -> forallb (forallb (Z.leb 0)) ms = true ->
                Forall2 (fun mu v => Forall2 (fun m x => (0 <= m)%R \/ dot x (weighted_row v) = 0%R) mu X) (map (map rat) ms) vs).
      { induction ms as [|mu ms IH]; intros [|v vs] L A Q; try discriminate; simpl; constructor; simpl in Q; apply andb_prop in Q as [Q1 Q2]; [apply nonneg; [assumption | apply A; now left] | apply IH; [now injection L | intros; apply A; now right | assumption]]. }
      assert (LP : length (f_mu F) = length ps) by (rewrite EC; clear - HC; induction HC; simpl; auto).
      assert (LM : forall mu, In mu (f_mu F) -> length mu = length XZ) by (intros mu I; apply Nat.eqb_eq, EL, I).
      unfold multipliersb in EM. destruct (f_moving F) as [mv|]; [|now apply rest_ok].
      destruct (f_mu F) as [|mu ms]; [discriminate|]. destruct ps as [|v vs]; [discriminate|]. apply andb_prop in EM as [M1 M2]. simpl. constructor.
      - apply (free (f_facet F)); [assumption | apply LM; now left | assumption].
      - apply rest_ok; [now injection LP | intros; apply LM; now right | assumption]. }
    assert (ME : forall cd mu, In (cd, mu) (combine (codes_of F) (f_mu F)) -> (norm (residual n X (fst cd) (snd cd) (weighted_dual (PR P) (map rat (f_nu F))) (map rat mu)) <= total (PR P) * kappa (PR P) + V)%R)
      by (intros cd mu I; apply excess_ok; now apply ML).
    assert (LM : forall mu, In mu (f_mu F) -> length mu = length XZ) by (intros mu I; apply Nat.eqb_eq, EL, I).
    clear - HC MF ME LM. revert HC MF ME LM. generalize (codes_of F) (f_mu F). intro cs. revert ps. induction cs as [|cd cs IH]; intros ps ms HC MF ME LM; inversion HC as [|? v ? vs A HC' E1 E2]; subst; destruct ms as [|mu ms]; simpl in MF; inversion MF; subst; simpl; constructor.
    + cbn [fst snd]. destruct A as (A1 & A2 & A3). repeat split; try assumption; [rewrite !map_length; apply LM; now left | apply ME; now left].
    + apply IH; try assumption; intros; [apply ME; now right | apply LM; now right].
  - intro Z0. rewrite (KZ Z0). unfold Rdiv. ring.
  - destruct (bias_priced P); [now right | now left].
  - rewrite weighted_real, sum_ratio. fold (wdual F). unfold pull. clear pull EB. set (sg := zsum (wdual F)) in *. destruct fixed as [c0|]; [|destruct output].
    + rewrite HO. pose proof (Rabs_pos (real s c0)) as A0. pose proof (Rmult_le_pos _ _ VN' A0). assert (0 <= kappa (PR P) * Rabs (real s c0))%R by now apply Rmult_le_pos.
      pose proof (Rmult_le_pos _ _ (Rlt_le _ _ T0) H0). destruct (bias_priced P); destruct (Req_EM_T _ 0); lra.
    + cbn [negb orb] in EO. destruct (bias_priced P).
      * apply Z.leb_le, IZR_le in EO. rewrite mult_IZR, plus_IZR, abs_IZR in EO.
        assert (TK : (total (PR P) * kappa (PR P) * (U * U * den) = IZR (room_at F))%R).
        { rewrite total_real. unfold room_at. cbn [kappa map_problem]. rewrite !mult_IZR. unfold real. fold (unit s). field. lra. }
        assert (SB : (Rabs (IZR sg / (U * den)) <= total (PR P) * kappa (PR P) + V)%R).
        { apply Rmult_le_reg_r with (U * U * den)%R; [assumption|]. rewrite Rmult_plus_distr_r, TK. replace (V * (U * U * den))%R with (IZR (largest F)) by (field; lra).
          unfold Rdiv. rewrite Rabs_mult, (Rabs_pos_eq (/ (U * den))) by (left; apply Rinv_0_lt_compat; now apply Rmult_lt_0_compat).
          replace (Rabs (IZR sg) * / (U * den) * (U * U * den))%R with (Rabs (IZR sg) * U)%R by (field; lra). exact EO. }
        assert (CB : (- (Rabs cc * Rabs (IZR sg / (U * den))) <= cc * (IZR sg / (U * den)))%R).
        { rewrite <- Rabs_mult. pose proof (abs_between (Rle_refl (Rabs (cc * (IZR sg / (U * den)))))). lra. }
        pose proof (Rabs_pos cc). assert (CM : (Rabs cc * Rabs (IZR sg / (U * den)) <= Rabs cc * (total (PR P) * kappa (PR P) + V))%R) by (now apply Rmult_le_compat_l).
        destruct (Req_EM_T (kappa (PR P)) 0) as [Z0|Z0]; [|lra]. rewrite (KZ Z0), Z0 in *. unfold Rdiv in CM. rewrite Rmult_0_l in CM. lra.
      * apply Z.eqb_eq in EO. rewrite EO. destruct (Req_EM_T 0 0); [|easy]. unfold Rdiv. lra.
    + rewrite (HO eq_refl), Rabs_R0. destruct (Req_EM_T _ 0); lra.
  - unfold cost. destruct (Z.eqb_spec (kappa P) 0) as [Z0|Z0]; [lra|]. unfold Rdiv. apply Rmult_le_pos; [now apply Rmult_le_pos|]. left. apply Rinv_0_lt_compat. cbn [kappa map_problem]. rewrite <- (real_0 s). apply real_lt; [assumption | lia].
  - unfold cost. destruct (Z.eqb_spec (kappa P) 0) as [Z0|Z0].
    + assert (Z1 : kappa (PR P) = 0%R) by (cbn [kappa map_problem]; rewrite Z0; apply real_0). rewrite (KZ Z1). unfold Rdiv. rewrite !Rmult_0_l. lra.
    + assert (KN : kappa (PR P) <> 0%R) by (cbn [kappa map_problem]; rewrite <- (real_0 s); intro Q; apply real_inj in Q; auto). right. field. repeat split; try lra; exact KN.
  - assert (CONJ : (dot (map (@share R) (samples (PR P))) (conjugate_values (PR P) (map rat (f_nu F))) * S p <= total (PR P) * IZR (hi (imean shares u)))%R).
    { assert (HU : Forall2 (contains p) u (conjugate_values (PR P) (map rat (f_nu F)))).
      { unfold conjugate_values. cbn [samples map_problem loss_of]. clear - EU s_pos e_pos den_pos. revert u EU. cbn [c_samples c_loss context_of]. generalize (f_nu F).
        induction (samples P) as [|j J IH]; intros [|v nu] u EU; simpl in *; try (injection EU as <-; constructor).
        destruct (iconjugate _ _ _ _ _ _) as [a|] eqn:EA; [|discriminate]. destruct (all_some _) as [u'|] eqn:EU'; [|discriminate]. injection EU as <-.
        constructor; [|now apply IH]. apply (iconjugate_ok s_pos e_pos EA); [now apply embed_loss_ok | now apply embed_list_ok | constructor; [now apply ratio_ok | constructor]]. }
      destruct G as [GN GT]. pose proof (imean_ok s_pos (e := e) GN GT HU) as [_ M]. rewrite shares_PR. unfold mean in M.
      assert (TE : sum (row shares) = total (PR P)) by (unfold total; now rewrite shares_PR). rewrite TE in M.
      apply Rmult_le_compat_l with (r := total (PR P)) in M; [|lra]. eapply Rle_trans; [right|exact M]. unfold Rdiv. rewrite <- Rmult_assoc. field. lra. }
    apply Rmult_le_reg_r with (S p); [assumption|]. rewrite !Rmult_minus_distr_r.
    assert (LE : (total (PR P) * real s level * S p = total (PR P) * IZR (Z.shiftl level e))%R) by (rewrite (shift_real s_pos e_pos); ring). rewrite LE.
    assert (CE : (cost * S p <= total (PR P) * IZR (if kappa P =? 0 then 0 else div_up (Z.shiftl (largest F * level) e) (f_den F * kappa P * T)))%R).
    { unfold cost. destruct (Z.eqb_spec (kappa P) 0) as [Z0|Z0]; [lra|]. destruct G as [_ GT]. assert (DK : 0 < f_den F * kappa P * T) by (apply Z.mul_pos_pos; [apply Z.mul_pos_pos; lia | assumption]).
      pose proof (@div_up_ge (Z.shiftl (largest F * level) e) (f_den F * kappa P * T) DK) as Q. set (dv := div_up _ _) in *. rewrite Z.shiftl_mul_pow2, !mult_IZR in Q by lia.
      rewrite total_real. cbn [kappa map_problem]. unfold real, S, scale. rewrite Z.pow_add_r, mult_IZR by lia. fold (unit s).
      assert (KP : (0 < IZR (kappa P))%R) by (apply IZR_lt; lia).
      apply Rmult_le_reg_r with (U * den * IZR (kappa P))%R; [apply Rmult_lt_0_compat; [now apply Rmult_lt_0_compat | assumption]|].
      replace (IZR (largest F) / (U * U * den) * (IZR level / U) / (IZR (kappa P) / U) * (U * IZR (2 ^ e)) * (U * den * IZR (kappa P)))%R
        with (IZR (largest F) * IZR level * IZR (2 ^ e))%R by (field; lra).
      replace (IZR T / U * IZR dv * (U * den * IZR (kappa P)))%R with (IZR dv * (den * IZR (kappa P) * IZR T))%R by (field; lra). exact Q. }
    assert (PE : (total (PR P) * IZR (pull_at fixed F) <= pull * S p)%R).
    { unfold pull, pull_at. clear pull EB. destruct fixed as [c0|]; [|lra]. destruct G as [_ GT]. assert (DT : 0 < f_den F * T) by (apply Z.mul_pos_pos; assumption).
      pose proof (@div_le (Z.shiftl (c0 * zsum (wdual F)) e) (f_den F * T) DT) as Q. set (dv := Z.shiftl _ _ / _) in *. rewrite Z.shiftl_mul_pow2, !mult_IZR in Q by lia.
      rewrite total_real. unfold real, S, scale. rewrite Z.pow_add_r, mult_IZR by lia. fold (unit s).
      apply Rmult_le_reg_r with (U * den)%R; [now apply Rmult_lt_0_compat|].
      replace (IZR c0 / U * (IZR (zsum (wdual F)) / (U * den)) * (U * IZR (2 ^ e)) * (U * den))%R with (IZR c0 * IZR (zsum (wdual F)) * IZR (2 ^ e))%R by (field; lra).
      replace (IZR T / U * IZR dv * (U * den))%R with (IZR dv * (den * IZR T))%R by (field; lra). exact Q. }
    rewrite !minus_IZR in EB. apply Rmult_le_compat_l with (r := total (PR P)) in EB; [|lra]. lra.
Qed.
End Dual.

(** ** Ways out *)
Notation code := (bool * list bool)%type.
Variables (cells : list (list code)) (red : list redundancy) (good : list face).
Definition insideb (C : list code) : bool := existsb (cell_eqb C) cells.
Fixpoint at_each_code (f : list code -> code -> list code -> bool) (before C : list code) : bool :=
  match C with [] => true | c :: after => f before c after && at_each_code f (before ++ [c]) after end.
Definition leaves_okb (before : list code) (cd : code) (after : list code) : bool :=
  let others := before ++ after in
  (is_fixed || insideb (before ++ (negb (fst cd), snd cd) :: after)
   || existsb (fun F => match f_moving F with None => permutationb code_eqb (f_others F) others | Some _ => false end) good) &&
  forallb (fun x => nilb x ||
    let b := flip_class x (snd cd) in
    existsb (fun r => hides r (snd cd) b) red || insideb (before ++ (fst cd, b) :: after)
    || existsb (fun F => match f_moving F with
                         | Some c' => code_eqb c' cd && Nat.ltb (f_facet F) (length XZ) && negb (nilb (nth (f_facet F) XZ []))
                                      && pattern_eqb (flip_class (nth (f_facet F) XZ []) (snd cd)) b && permutationb code_eqb (f_others F) others
                         | None => false end) good) XZ.
Lemma at_each_ok f C : forall pre before cd after, at_each_code f pre C = true -> C = before ++ cd :: after -> f (pre ++ before) cd after = true.
Proof.
  induction C as [|c0 C IH]; intros pre [|b before] cd after E Q; simpl in *; try discriminate; apply andb_prop in E as [E1 E2].
  - injection Q as -> ->. now rewrite app_nil_r.
  - injection Q as -> Q. replace (pre ++ b :: before) with ((pre ++ [b]) ++ before) by (now rewrite <- app_assoc). exact (IH (pre ++ [b]) before cd after E2 Q).
Qed.
Lemma inside_in C : insideb C = true -> In C cells.
Proof. intro E. apply existsb_exists in E as (D & I & E). apply cell_eqb_eq in E as ->. exact I. Qed.
Lemma on_both x a u : ~ nil (row x) -> In x XZ -> in_cone X a u -> in_cone X (flip_class x a) u -> dot (row x) u = 0%R.
Proof.
  intros N I. assert (self : parallelb x x = true) by (exact (proj2 (parallelb_ok x N) (ex_intro _ 1%R (conj R1_neq_R0 (eq_sym (map_one (row x))))))).
  unfold in_cone, flip_class. clear XZ_length. revert a I. induction XZ as [|y Y IH]; intros [|b a] I H K; simpl in *; try easy; try (now inversion H).
  inversion_clear H as [|? ? ? ? H1 H2]. inversion_clear K as [|? ? ? ? K1 K2]. destruct I as [<-|I]; [|now apply (IH a)].
  rewrite self in K1. destruct b; simpl in *; lra.
Qed.
Lemma neuron_F_permutation Q k q1 q2 cc : Permutation q1 q2 -> neuron_F X Q k q1 cc = neuron_F X Q k q2 cc.
Proof.
  intro H. unfold neuron_F. rewrite (size_permutation H). do 3 f_equal. unfold neuron_loss. generalize X. induction (samples Q) as [|j J IH]; intros [|x Y]; simpl; try reflexivity.
  now rewrite (neuron_sum_permutation x H), IH.
Qed.
Notation pk := (if bias_priced P then kappa (PR P) else 0%R).
Hypothesis G : good_shares P.
Hypothesis K0 : 0 <= kappa P.
Hypothesis HP : proper (PR P).
Hypothesis LX : length XZ = length (samples P).
Variable level : Z.
Hypothesis L0 : 0 <= level.
Hypothesis red_good : forallb redundancyb red = true.
Hypothesis faces_good : forallb (faceb level) good = true.
Hypothesis all_leave : forallb (at_each_code leaves_okb []) cells = true.
Lemma good_den F : In F good -> 0 < f_den F /\ faceb level F = true.
Proof.
  intro I. rewrite forallb_forall in faces_good. pose proof (faces_good F I) as E. split; [|exact E]. unfold faceb in E. cbv zeta in E.
  do 8 (apply andb_prop in E as [E _]). now apply Z.ltb_lt.
Qed.
Lemma leaving m C D q cc : cell m (code_chamber n X) C -> cell m (code_chamber n X) D -> adjacent (adjacent_codes X) C D -> insideb C = true -> insideb D = false ->
  Forall (fun v => length (snd v) = n) q -> in_cell (neuron_in X) C q -> in_cell (neuron_in X) D q -> (is_fixed = true -> map fst C = map fst D) ->
  match fixed with Some c0 => cc = real s c0 | None => output = false -> cc = 0%R end ->
  (real s level <= neuron_F X (PR P) pk q cc)%R.
Proof.
  intros [_ CC] [_ CD] (before & cd & dd & after & EC & ED & AD) IC ID LQ HC HD SS HO. apply inside_in in IC. rewrite forallb_forall in all_leave. specialize (all_leave _ IC).
  pose proof (at_each_ok all_leave EC) as LV. rewrite app_nil_l in LV. unfold leaves_okb in LV. cbv zeta in LV. apply andb_prop in LV as [LS LCr].
  subst C D. unfold in_cell in *. apply Forall2_app_inv_l in HC as (q1 & qr & HC1 & HC2 & Eq). inversion HC2 as [|? v ? q2 NV HC3 E1 E2]; subst.
  apply Forall2_app_inv_l in HD as (q1' & qr' & HD1 & HD2 & Eq'). inversion HD2 as [|? v' ? q2' ND HD3 E1' E2']; subst.
  assert (LL : length q1 = length q1') by (apply Forall2_len in HC1, HD1; congruence).
  assert (SPL : q1 = q1' /\ v :: q2 = v' :: q2'). { clear - Eq' LL. revert q1' LL Eq'. induction q1 as [|w q1 IH]; intros [|w' q1'] LL E; try discriminate; simpl in *; [now split|]. injection E as -> E. injection LL as LL. destruct (IH q1' LL E) as [-> ->]. now split. }
  destruct SPL as [<- SPL]. injection SPL as <- <-.
  assert (OT : Forall2 (neuron_in X) (before ++ after) (q1 ++ q2)) by (now apply Forall2_app).
  assert (PM : Permutation (q1 ++ v :: q2) (v :: q1 ++ q2)) by (symmetry; apply Permutation_middle).
  assert (LV' : length (snd v) = n) by (rewrite Forall_forall in LQ; apply LQ, in_or_app; right; now left).
  assert (use : forall F others, In F good -> permutationb code_eqb (f_others F) others = true -> others = before ++ after ->
     exists q0, Permutation (q1 ++ q2) q0 /\ Forall2 (fun cd v => length (snd v) = n /\ in_cone X (snd cd) (weighted_row v) /\ (nil (weighted_row v) \/ off_side (fst cd) (fst v))) (f_others F) q0).
  { intros F others I E ->. apply (permutationb_ok code_eqb_eq) in E. symmetry in E. destruct (Permutation_Forall2 E OT) as (q0 & Pq & H). exists q0. split; [exact Pq|].
    assert (LQ0 : Forall (fun v => length (snd v) = n) q0).
    { apply Forall_forall. intros w J. rewrite Forall_forall in LQ. apply LQ. apply (Permutation_in w (Permutation_sym Pq)) in J. apply in_app_or in J. apply in_or_app. destruct J; [now left | right; now right]. }
    clear - H LQ0. induction H as [|x w xs ws [H1 H2] H IH]; constructor; inversion_clear LQ0; auto. }
  inversion AD as [sg a b CR | sg a]; subst.
  - (* A facet is crossed. *)
    apply Forall_app in CC as [_ CC]. apply Forall_app in CD as [_ CD]. inversion_clear CC as [|? ? CA _]. inversion_clear CD as [|? ? CB _]. unfold code_chamber in CA, CB. cbn [snd fst] in *.
    assert (LA : length a = length XZ) by (apply chamber_length in CA; now rewrite map_length in CA). assert (LB : length b = length a) by (apply chamber_length in CB; rewrite map_length in CB; congruence).
    destruct (crosses_flip CR LB) as (x & Ix & Nx & Eb). rewrite forallb_forall in LCr. specialize (LCr x Ix).
    destruct (nilb x) eqn:NB; [apply nilb_ok in NB; contradiction|]. cbn [orb fst snd] in LCr. rewrite <- Eb in LCr. apply orb_prop in LCr as [LCr|LCr]; [apply orb_prop in LCr as [LCr|LCr]|].
    + exfalso. apply existsb_exists in LCr as (r & Ir & Hr). rewrite forallb_forall in red_good. apply (redundancyb_ok (red_good r Ir) Hr CA CB).
    + exfalso. exact (eq_true_false_abs _ LCr ID).
    + apply existsb_exists in LCr as (F & IF & EF). destruct (f_moving F) as [c'|] eqn:MF; [|discriminate].
      apply andb_prop in EF as [EF E5]. apply andb_prop in EF as [EF E4]. apply andb_prop in EF as [EF E3]. apply andb_prop in EF as [E1 E2].
      apply code_eqb_eq in E1 as ->. apply Nat.ltb_lt in E2. apply negb_true_iff in E3. apply pattern_eqb_eq in E4.
      destruct (good_den IF) as [DP FO]. destruct (use F _ IF E5 eq_refl) as (q0 & Pq & H0). destruct NV as [NV1 NV2]. destruct ND as [ND1 _]. cbn [fst snd] in *.
      rewrite (neuron_F_permutation (PR P) pk cc (Permutation_trans PM (perm_skip v Pq))).
      apply (faceb_ok DP G K0 (level := level) (ps := v :: q0) (rest := []) (cc := cc) FO HP LX L0); [| | constructor | exact HO].
      * unfold codes_of. rewrite MF. constructor; [now repeat split | exact H0].
      * rewrite MF. assert (NF : ~ nil (row (nth (f_facet F) XZ []))) by (intro Q; apply nilb_ok in Q; congruence).
        rewrite (nth_indep X [] (row [])) by (now rewrite map_length). rewrite (map_nth row). apply (on_both NF (nth_In _ _ E2) NV1). rewrite E4. exact ND1.
  - (* A sign changes. *)
    apply orb_prop in LS as [LS|LS]; [apply orb_prop in LS as [LS|LS]|].
    { exfalso. specialize (SS LS). rewrite !map_app in SS. apply app_inv_head in SS. simpl in SS. injection SS as SS. destruct sg; discriminate. }
    { exfalso. exact (eq_true_false_abs _ LS ID). }
    apply existsb_exists in LS as (F & IF & EF). destruct (f_moving F) as [c'|] eqn:MF; [discriminate|].
    destruct (good_den IF) as [DP FO]. destruct (use F _ IF EF eq_refl) as (q0 & Pq & H0).
    assert (NU : nil (weighted_row v)). { destruct NV as [_ [Q|Q]]; [exact Q|]. destruct ND as [_ [Q'|Q']]; [exact Q'|]. cbn [fst] in *. exfalso. destruct sg; simpl in *; lra. }
    rewrite (neuron_F_permutation (PR P) pk cc (Permutation_trans PM (perm_skip v Pq))).
    apply (faceb_ok DP G K0 (level := level) (ps := q0) (rest := [v]) (cc := cc) FO HP LX L0); [| | constructor; [exact NU | constructor] | exact HO].
    + unfold codes_of. now rewrite MF.
    + now rewrite MF.
Qed.
End Barrier.

(** ** F of a network by its neurons *)
Lemma neuron_sum_dot theta E x : length theta = length E -> neuron_sum (combine theta E) x = dot theta (map (fun w => Rmax 0 (dot w x)) E).
Proof.
  unfold neuron_sum. revert E. induction theta as [|a theta IH]; intros [|w E] L; try discriminate; [reflexivity|]. simpl. rewrite sum_cons, dot_cons, IH by (injection L; auto). reflexivity.
Qed.
Lemma size_dot theta E : length theta = length E -> size (combine theta E) = dot (map norm E) (map Rabs theta).
Proof.
  unfold size. revert E. induction theta as [|a theta IH]; intros [|w E] L; try discriminate; [reflexivity|]. simpl. rewrite sum_cons, dot_cons, IH, weighted_norm by (injection L; auto). simpl. ring.
Qed.
Lemma neuron_F_below Q l theta c beta : slope Q = 0%R -> proper Q ->
  match penalty_of Q with NoPenalty => kappa Q = 0%R | PathNorm => True | WeightDecay => bias_priced Q = false | _ => False end ->
  length (bias l) = length (weight l) -> length theta = length (weight l) -> beta = 1%R \/ Forall (fun b => b = 0%R) (bias l) ->
  (neuron_F (map (fun j => beta :: input j) (samples Q)) Q (if bias_priced Q then kappa Q else 0) (combine theta (extended_rows l)) c <= F Q [l; Layer [theta] [c]])%R.
Proof.
  intros SL HP PEN LB LT BE. pose proof HP as (_ & _ & K & _). assert (LE : length theta = length (extended_rows l)) by (unfold extended_rows; rewrite map2_length; lia).
  assert (DE : forall x, map (fun w => Rmax 0 (dot w (beta :: x))) (extended_rows l) = map (sigma 0) (affine l x)).
  { intro x. rewrite affine_neuron, map_map. destruct l as [W b]. unfold extended_rows in *. cbn [weight bias] in *. clear - BE LB. revert W LB. induction b as [|y b IH]; intros [|r W] LB; try discriminate; [reflexivity|].
    assert (BE' : beta = 1%R \/ Forall (fun b => b = 0%R) b) by (destruct BE as [BE|BE]; [now left | right; now inversion_clear BE]).
    injection LB as LB. simpl. rewrite (IH BE' W LB). f_equal. rewrite dot_cons. simpl. unfold sigma. rewrite Rmult_0_l, Rmax_comm.
    f_equal. destruct BE as [->|BE]; [ring | inversion_clear BE; subst; ring]. }
  unfold neuron_F, F. rewrite Rplus_assoc. apply Rplus_le_compat.
  - right. f_equal. unfold neuron_loss. assert (E : forall J : list (sample R), map2 (fun j x => loss_value (loss_of Q) (target j) (label j) [(neuron_sum (combine theta (extended_rows l)) x + c)%R]) J (map (fun j => beta :: input j) J)
       = map (sample_loss Q [l; Layer [theta] [c]]) J); [|apply E]. induction J as [|j J IH]; simpl; [reflexivity|]. rewrite IH. f_equal. unfold sample_loss. f_equal. rewrite SL.
    rewrite neuron_sum_dot, DE by assumption. reflexivity.
  - rewrite size_dot by assumption. destruct (penalty_of Q) eqn:EP; try contradiction.
    + rewrite PEN. destruct (bias_priced Q); simpl; lra.
    + cbn [penalty_value last hd weight]. unfold bias_price. cbn [column_norms1 fold_right bias last]. replace (vadd (map Rabs theta) []) with (map Rabs theta) by now destruct (map Rabs theta).
      destruct (bias_priced Q); [unfold norm1; simpl; unfold sum at 1; simpl; lra | lra].
    + rewrite PEN. cbn [penalty_value last hd weight map]. unfold sum at 2; simpl. rewrite Rplus_0_r, Rmult_0_l, Rplus_0_r. apply Rmult_le_compat_l; [assumption|].
      clear - LE. revert theta LE. induction (extended_rows l) as [|w E IH]; intros [|a theta] LE; try discriminate; simpl; [unfold dot, sum; simpl; lra|]. injection LE as LE.
      rewrite !dot_cons, sum_cons. specialize (IH theta LE). pose proof (Rle_0_sqr (norm w - Rabs a)) as SQ. unfold Rsqr in SQ. pose proof (Rsqr_abs a) as AA. unfold Rsqr in AA. pose proof (norm_square w). lra.
Qed.

(** ** The claim *)
Section Claim.
Variables s e : Z.
Hypothesis s_pos : 0 <= s.
Hypothesis e_pos : 0 <= e.
Notation p := (scale s e).
Notation row := (map (real s)).
Notation PR := (map_problem (real s)).
Notation net := (map_network (real s)).
Notation code := (bool * list bool)%type.
Definition beta (x : barrier_claim) : Z := if b_hidden x then unit s else 0.
Definition inputs_of (P : problem Z) (x : barrier_claim) : list (list Z) := map (fun j => beta x :: input j) (samples P).
Definition size_of (P : problem Z) : nat := Datatypes.S (length (match samples P with j :: _ => input j | [] => [] end)).
Definition chamberb (XZ : list (list Z)) (n : nat) (x : barrier_claim) (a : list bool) : bool :=
  existsb (fun ch => pattern_eqb (fst ch) a && Nat.eqb (length (snd ch)) n && interiorb XZ a (snd ch)) (b_chambers x).
Definition neuron_inb (XZ : list (list Z)) (cd : code) (v : Z * list Z) : bool :=
  (((fst v =? 0) && Nat.eqb (length (snd cd)) (length XZ)) || all_pairs (fun (b : bool) y => if b then 0 <=? weigh y (snd v) else weigh y (snd v) <=? 0) (snd cd) XZ) &&
  ((fst v =? 0) || nilb (snd v) || if fst cd then 0 <? fst v else fst v <? 0).
Definition head_row (A : network Z) : list Z := hd [] (weight (last A (Layer [] []))).
Definition neurons_of (A : network Z) : list (Z * list Z) := combine (head_row A) (incoming (hd (Layer [] []) A)).
(** Where the output layer is frozen: A and B agree in it, and both cells have the signs of its heads. *)
Definition fixed_of (A : network Z) (x : barrier_claim) : option Z := if b_frozen x then Some (hd 0 (bias (last A (Layer [] [])))) else None.
Definition head_signb (positive : bool) (t : Z) : bool := (t =? 0) || if positive then 0 <? t else t <? 0.
Definition frozenb (A B : network Z) (x : barrier_claim) : bool :=
  negb (b_frozen x) || (layer_eqb (last A (Layer [] [])) (last B (Layer [] [])) && pattern_eqb (map fst (b_inside x)) (map fst (b_outside x)) &&
                        all_pairs head_signb (map fst (b_inside x)) (head_row A)).
(** Paths from A, around which the cells are, to B. *)
Definition barrier_core (P : problem Z) (A B : network Z) (x : barrier_claim) : bool :=
  let XZ := inputs_of P x in let n := size_of P in let m := length (weight (hd (Layer [] []) A)) in
  let good := filter (faceb s e XZ n P (b_output x) (fixed_of A x) (b_level x)) (b_faces x) in
  let red := filter (redundancyb XZ n) (b_redundant x) in
  let cellb := fun C : list code => Nat.eqb (length C) m && forallb (fun cd => chamberb XZ n x (snd cd)) C in
  (0 <=? b_level x) && (slope P =? 0) && match penalty_of P with NoPenalty | PathNorm | WeightDecay => true | _ => false end &&
  cellb (b_inside x) && cellb (b_outside x) && insideb (b_cells x) (b_inside x) && negb (insideb (b_cells x) (b_outside x)) &&
  all_pairs (neuron_inb XZ) (b_inside x) (neurons_of A) && all_pairs (neuron_inb XZ) (b_outside x) (neurons_of B) &&
  forallb (at_each_code (leaves_okb XZ (fixed_of A x) (b_cells x) red good) []) (b_cells x) && frozenb A B x.

Lemma chamberb_ok XZ n x a : chamberb XZ n x a = true -> chamber n (map row XZ) a.
Proof.
  intro E. apply existsb_exists in E as ((a' & u) & _ & E). cbn [fst snd] in E. apply andb_prop in E as [E E3]. apply andb_prop in E as [E1 E2].
  apply Nat.eqb_eq in E2. now apply (interiorb_ok s_pos E2).
Qed.
Lemma neuron_inb_ok XZ cd v : neuron_inb XZ cd v = true -> neuron_in (map row XZ) cd (real s (fst v), row (snd v)).
Proof.
  intro E. unfold neuron_inb in E. apply andb_prop in E as [E1 E2]. split.
  - apply cone_weighted. cbn [fst snd]. apply orb_prop in E1 as [E1|E1].
    + left. apply andb_prop in E1 as [Z0 L]. apply Z.eqb_eq in Z0. apply Nat.eqb_eq in L. rewrite Z0, map_length. split; [apply real_0 | exact L].
    + right. unfold in_cone. assert (side : forall (b : bool) y, (if b then 0 <=? weigh y (snd v) else weigh y (snd v) <=? 0) = true -> on_side b (dot (row y) (row (snd v)))).
      { intros b y Q. apply (side_real s_pos). destruct b; now apply Z.leb_le. }
      pose proof (all_pairs_ok side E1) as H. clear - H. induction H; simpl; constructor; assumption.
  - apply orb_prop in E2 as [E2|E2]; [apply orb_prop in E2 as [E2|E2]|].
    + left. apply weighted_nil. left. cbn [fst]. apply Z.eqb_eq in E2. rewrite E2. apply real_0.
    + left. apply weighted_nil. right. now apply (nilb_ok s_pos).
    + right. cbn [fst]. destruct (fst cd); simpl; rewrite <- (real_0 s); apply real_lt; try assumption; now apply Z.ltb_lt.
Qed.
Lemma cell_in XZ C vs : all_pairs (neuron_inb XZ) C vs = true -> in_cell (neuron_in (map row XZ)) C (map (fun v => (real s (fst v), row (snd v))) vs).
Proof.
  intro E. pose proof (all_pairs_ok (fun cd v => @neuron_inb_ok XZ cd v) E) as H. unfold in_cell. clear - H. induction H; simpl; constructor; assumption.
Qed.
Lemma at_time_combine t (th : list (R -> R)) (b : list (R -> R)) W :
  at_time t (combine th (map2 cons b W)) = combine (map (fun f => f t) th) (extended_rows (Layer (map (map (fun f => f t)) W) (map (fun f => f t) b))).
Proof.
  unfold at_time, extended_rows. cbn [weight bias]. revert b W. induction th as [|f th IH]; intros [|y b] [|r W]; simpl; try reflexivity; try (now destruct (map _ th)). now rewrite IH.
Qed.

Lemma map_fst_combine {S T} (u : list S) (v : list T) : length u = length v -> map fst (combine u v) = u.
Proof. revert v. induction u as [|a u IH]; intros [|b v] L; try discriminate; simpl; [reflexivity|]. rewrite IH; [reflexivity | now injection L]. Qed.
Lemma combine_pairs (u : list Z) (C : list (list Z)) : combine (row u) (map row C) = map (fun v => (real s (fst v), row (snd v))) (combine u C).
Proof. revert C. induction u as [|a u IH]; intros [|r C]; simpl; try reflexivity. now rewrite IH. Qed.
(** One output, biases and rows of the right lengths. *)
Definition plainb (d : nat) (A : network Z) : bool :=
  match A with
  | [l; m] => match weight m, bias m with
              | [th], [_] => Nat.eqb (length th) (length (weight l)) && Nat.eqb (length (bias l)) (length (weight l)) && forallb (fun r => Nat.eqb (length r) d) (weight l)
              | _, _ => false end
  | _ => false
  end.
Theorem core_ok P A B x G : proper (PR P) -> good_shares P -> 0 <= kappa P ->
  (match penalty_of P with NoPenalty => kappa P = 0 | PathNorm => True | _ => bias_priced P = false end) ->
  (forall j, In j (samples P) -> Datatypes.S (length (input j)) = size_of P) -> plainb (pred (size_of P)) A = true -> plainb (pred (size_of P)) B = true ->
  length (weight (hd (Layer [] []) A)) = length (weight (hd (Layer [] []) B)) ->
  barrier_core P A B x = true -> parameter_path (net A) (net B) (b_hidden x) (b_output x) G ->
  (b_frozen x = true -> forall t, within t -> last (network_at t G) empty_layer = last (net A) empty_layer) -> exists t, within t /\ (real s (b_level x) <= F (PR P) (network_at t G))%R.
Proof.
  intros HP GS K0 PEN SZ PA PB LAB E (GC & G0 & G1 & GB) GF. unfold barrier_core in E. cbv zeta in E.
  set (XZ := inputs_of P x) in *. set (n := size_of P) in *. set (m := length (weight (hd (Layer [] []) A))) in *.
  set (fx := fixed_of A x) in *. assert (FX : fx = fixed_of A x) by reflexivity. clearbody fx.
  apply andb_prop in E as [E EF]. apply andb_prop in E as [E EW]. apply andb_prop in E as [E EHB]. apply andb_prop in E as [E EHA]. apply andb_prop in E as [E EO]. apply andb_prop in E as [E EI].
  apply andb_prop in E as [E CO]. apply andb_prop in E as [E CI]. apply andb_prop in E as [E EP]. apply andb_prop in E as [EL ES].
  apply Z.leb_le in EL. apply Z.eqb_eq in ES. apply negb_true_iff in EO.
  assert (HX0 : Forall (fun y => length y = n) XZ).
  { unfold XZ, inputs_of. apply Forall_forall. intros y I. apply in_map_iff in I as (j & <- & I). simpl. now apply SZ. }
  pose proof (X_length s HX0) as HX. assert (LX : length XZ = length (samples P)) by apply map_length.
  assert (cell_ok : forall C : list code, Nat.eqb (length C) m && forallb (fun cd => chamberb XZ n x (snd cd)) C = true -> cell m (code_chamber n (map row XZ)) C).
  { intros C Q. apply andb_prop in Q as [Q1 Q2]. split; [now apply Nat.eqb_eq|]. rewrite forallb_forall in Q2. apply Forall_forall. intros cd I. exact (chamberb_ok (Q2 cd I)). }
  (* The shape of the path. *)
  destruct A as [|lA [|[WA bA] [|? ?]]]; try discriminate. simpl in PA. destruct WA as [|thA [|? ?]]; try discriminate. destruct bA as [|cA [|? ?]]; try discriminate.
  destruct B as [|lB [|[WB bB] [|? ?]]]; try discriminate. simpl in PB. destruct WB as [|thB [|? ?]]; try discriminate. destruct bB as [|cB [|? ?]]; try discriminate.
  destruct G as [|L [|[MW Mb] [|? ?]]]; try discriminate. unfold network_at in G0. simpl in G0. injection G0 as GW Gb GM Gc.
  destruct MW as [|thf [|? ?]]; try discriminate. destruct Mb as [|cf [|? ?]]; try discriminate. simpl in GM. injection GM as GM.
  inversion_clear GC as [|? ? [C1 C2] GC']. inversion_clear GC' as [|? ? [C3 C4] _]. cbn [weight bias] in C3, C4. inversion_clear C3 as [|? ? C3' _]. inversion_clear C4 as [|? ? C4' _].
  apply andb_prop in PA as [PA PA3]. apply andb_prop in PA as [PA1 PA2]. apply Nat.eqb_eq in PA1, PA2.
  assert (LW : length (weight L) = m) by (apply (f_equal (@length (list R))) in GW; rewrite !map_length in GW; exact GW).
  assert (Lb : length (bias L) = m) by (apply (f_equal (@length R)) in Gb; rewrite !map_length in Gb; unfold m; simpl; congruence).
  assert (Lt : length thf = m) by (apply (f_equal (@length R)) in GM; rewrite !map_length in GM; unfold m; simpl; congruence).
  assert (LR : Forall (fun r => length r = pred n) (weight L)).
  { apply Forall_forall. intros r I. assert (J : In (map (fun f : R -> R => f 0%R) r) (map row (weight lA))) by (rewrite <- GW; apply in_map_iff; now exists r).
    apply in_map_iff in J as (q & Eq & J). rewrite forallb_forall in PA3. specialize (PA3 q J). apply Nat.eqb_eq in PA3. apply (f_equal (@length R)) in Eq. rewrite !map_length in Eq. unfold n, size_of in *. cbn [pred] in *. congruence. }
  set (g := combine thf (map2 cons (bias L) (weight L))).
  assert (LG : length g = m) by (unfold g; rewrite combine_length, map2_length; lia).
  assert (HG : moves_continuously n g).
  { unfold moves_continuously, g. clear - C1 C2 C3' LR. assert (N : n = Datatypes.S (pred n)) by reflexivity. revert C3' C2. generalize (bias L). revert thf.
    induction C1 as [|r W CR C1 IH]; intros [|f th] [|y b] C3 C2; simpl; try constructor; inversion_clear C3; inversion_clear C2; inversion_clear LR as [|? ? LR1 LR2].
    - cbn [fst snd]. split; [assumption|]. split; [simpl; rewrite LR1; now symmetry | now constructor].
    - now apply IH. }
  assert (at_g : forall t, at_time t g = combine (map (fun f => f t) thf) (extended_rows (map_layer (fun f => f t) L))) by (intro t; apply at_time_combine).
  assert (start : in_cell (neuron_in (map row XZ)) (b_inside x) (at_time 0 g)).
  { rewrite at_g. replace (map_layer (fun f => f 0%R) L) with (map_layer (real s) lA) by (unfold map_layer; now rewrite GW, Gb). rewrite GM.
    pose proof (cell_in EHA) as Q. unfold neurons_of, head_row in Q. cbn [last hd weight] in Q. rewrite (incoming_row s lA). rewrite <- combine_pairs in Q. exact Q. }
  assert (stop : in_cell (neuron_in (map row XZ)) (b_outside x) (at_time 1 g)).
  { rewrite at_g. unfold network_at in G1. simpl in G1. injection G1 as GW1 Gb1 GM1 Gc1.
    replace (map_layer (fun f => f 1%R) L) with (map_layer (real s) lB) by (unfold map_layer; now rewrite GW1, Gb1). rewrite GM1.
    pose proof (cell_in EHB) as Q. unfold neurons_of, head_row in Q. cbn [last hd weight] in Q. rewrite (incoming_row s lB). rewrite <- combine_pairs in Q. exact Q. }
  set (pk := (if bias_priced P then kappa (PR P) else 0)%R).
  assert (faces : forall C D q cc, cell m (code_chamber n (map row XZ)) C -> cell m (code_chamber n (map row XZ)) D -> adjacent (adjacent_codes (map row XZ)) C D ->
     insideb (b_cells x) C = true -> insideb (b_cells x) D = false -> Forall (fun v => length (snd v) = n) q -> in_cell (neuron_in (map row XZ)) C q -> in_cell (neuron_in (map row XZ)) D q ->
     (if b_frozen x then map fst C = map fst D /\ cc = real s cA else b_output x = false -> cc = 0%R) -> (real s (b_level x) <= neuron_F (map row XZ) (PR P) pk q cc)%R).
  { intros C D q cc OC OD AD IC ID LQ HC HD FR.
    apply (@leaving s e s_pos e_pos XZ n HX0 P (b_output x) fx (b_cells x) (filter (redundancyb XZ n) (b_redundant x)) (filter (faceb s e XZ n P (b_output x) fx (b_level x)) (b_faces x))
             GS K0 HP LX (b_level x) EL) with (m := m) (C := C) (D := D); try assumption.
    - apply forallb_forall. intros r I. now apply filter_In in I.
    - apply forallb_forall. intros f I. now apply filter_In in I.
    - unfold fixed_of in FX. rewrite FX. destruct (b_frozen x); [intros _; apply FR | discriminate].
    - unfold fixed_of in FX. rewrite FX. destruct (b_frozen x); apply FR. }
  enough (found : exists t, within t /\ (real s (b_level x) <= neuron_F (map row XZ) (PR P) pk (at_time t g) (cf t))%R).
  - destruct found as (t & W & LE). exists t. split; [assumption|]. apply Rle_trans with (1 := LE). rewrite at_g. destruct (GB t W) as [GB1 GB2].
    unfold network_at in *. cbn [map_network map hd last map_layer weight bias] in *.
    assert (XE : map row XZ = map (fun j => real s (beta x) :: input j) (samples (PR P))) by (unfold XZ, inputs_of; cbn [samples map_problem]; rewrite !map_map; reflexivity).
    rewrite XE. apply (@neuron_F_below (PR P) (map_layer (fun f => f t) L) (map (fun f => f t) thf) (cf t) (real s (beta x))).
    + cbn [slope map_problem]. rewrite ES. apply real_0.
    + exact HP.
    + cbn [penalty_of bias_priced kappa map_problem]. destruct (penalty_of P); try discriminate; try exact I; try exact PEN. rewrite PEN. apply real_0.
    + simpl. rewrite !map_length. congruence.
    + simpl. rewrite !map_length. congruence.
    + unfold beta. destruct (b_hidden x); [left; now apply real_one | right; exact (GB1 eq_refl)].
  - unfold frozenb in EF. destruct (b_frozen x).
    + (* Frozen. *)
      cbn [negb orb] in EF. apply andb_prop in EF as [EF EF3]. apply andb_prop in EF as [_ EF2]. apply pattern_eqb_eq in EF2. unfold head_row in EF3. cbn [last hd weight] in EF3.
      set (signs := map fst (b_inside x)) in *.
      assert (still : forall t, within t -> map (fun f => f t) thf = row thA /\ cf t = real s cA).
      { intros t W. specialize (GF eq_refl t W). unfold network_at in GF. cbn [map_network map last map_layer weight bias] in GF. injection GF as GF1 GF2. now split. }
      assert (signed : Forall2 (fun (b : bool) th => th = 0%R \/ off_side b th) signs (row thA)).
      { assert (one : forall b z, head_signb b z = true -> real s z = 0%R \/ off_side b (real s z)).
        { intros b z Q. unfold head_signb in Q. apply orb_prop in Q as [Q|Q]; [left; apply Z.eqb_eq in Q; rewrite Q; apply real_0 | right].
          destruct b; simpl; rewrite <- (real_0 s); apply real_lt; try assumption; now apply Z.ltb_lt. }
        pose proof (all_pairs_ok one EF3) as H. clear - H. induction H; simpl; constructor; assumption. }
      assert (with_signs : forall C q, map fst q = row thA -> in_cell (row_in (map row XZ)) C q -> in_cell (neuron_in (map row XZ)) (combine signs C) q).
      { intros C q EQ HC. clear - signed EQ HC. unfold in_cell in *. rewrite <- EQ in signed. clear EQ. revert signed. generalize signs. intro b. revert b.
        induction HC as [|a v C q Q HC IH]; intros b SG; inversion_clear SG; simpl; constructor; [|now apply IH]. split; [exact Q|]. cbn [fst].
        match goal with H : _ \/ _ |- _ => destruct H as [H|H]; [left; apply weighted_nil; now left | now right] end. }
      assert (LS : length signs = m) by (unfold signs; rewrite map_length; apply andb_prop in CI as [CI _]; now apply Nat.eqb_eq).
      assert (coded : forall C, cell m (chamber n (map row XZ)) C -> cell m (code_chamber n (map row XZ)) (combine signs C)).
      { intros C [LC HC]. split; [apply (eq_trans (combine_length signs C)); lia|]. apply Forall_forall. intros [b a] I. apply in_combine_r in I. exact (proj1 (Forall_forall _ _) HC a I). }
      assert (plain : forall C, cell m (code_chamber n (map row XZ)) C -> cell m (chamber n (map row XZ)) (map snd C)).
      { intros C [LC HC]. split; [now rewrite map_length|]. apply Forall_forall. intros a I. apply in_map_iff in I as (cd & <- & I). exact (proj1 (Forall_forall _ _) HC cd I). }
      assert (rows : forall C q, in_cell (neuron_in (map row XZ)) C q -> in_cell (row_in (map row XZ)) (map snd C) q).
      { intros C q H. unfold in_cell in *. clear - H. induction H as [|cd v C q [H1 _] H IH]; simpl; constructor; [exact H1 | exact IH]. }
      assert (pairs : forall u : list code, combine (map fst u) (map snd u) = u) by (induction u as [|[b a] u IH]; simpl; [reflexivity | now rewrite IH]).
      assert (firsts : forall C : list (list bool), length C = m -> map fst (combine signs C) = signs).
      { intros C LC. rewrite <- LS in LC. clear - LC. revert C LC. induction signs as [|b u IH]; intros [|a C] LC; try discriminate; simpl; [reflexivity|]. rewrite IH; [reflexivity | now injection LC]. }
      destruct (@frozen_barrier n m (map row XZ) HX (row thA) (fun q cc => neuron_F (map row XZ) (PR P) pk q cc) (real s (b_level x)) (real s cA) (fun C => insideb (b_cells x) (combine signs C))
                  g (map snd (b_inside x)) (map snd (b_outside x))) as (t & W & LE); try assumption.
      * intros t W. rewrite at_g, map_fst_combine; [now apply still|]. rewrite map_length. unfold extended_rows. rewrite map2_length. simpl. rewrite !map_length. lia.
      * apply plain. now apply cell_ok.
      * now apply rows.
      * unfold signs. now rewrite pairs.
      * apply plain. now apply cell_ok.
      * now apply rows.
      * rewrite EF2, pairs. exact EO.
      * intros C D q OC OD AD IC ID LQ EQ HC HD.
        apply (faces (combine signs C) (combine signs D)); try assumption; [now apply coded | now apply coded | | now apply with_signs | now apply with_signs |].
        -- destruct AD as (before & a & b & after & -> & -> & CR). destruct OC as [LC _]. rewrite app_length in LC. cbn [length] in LC. clear - CR LS LC. rewrite <- LS in LC. clear LS. revert before LC.
           assert (gen : forall (u : list bool) before, (length before + Datatypes.S (length after) = length u)%nat ->
             adjacent (adjacent_codes (map row XZ)) (combine u (before ++ a :: after)) (combine u (before ++ b :: after))).
           { induction u as [|c0 u IH]; intros [|b0 before] L; simpl in L; try lia.
             - exists [], (c0, a), (c0, b), (combine u after). repeat split. now constructor.
             - destruct (IH before ltac:(lia)) as (pre & cd & dd & post & E1 & E2 & AD). exists ((c0, b0) :: pre), cd, dd, post. cbn [app combine]. rewrite E1, E2. now repeat split. }
           intros before LC. apply gen. exact LC.
        -- split; [|reflexivity]. rewrite !firsts; [reflexivity | apply OD | apply OC].
      * exists t. split; [assumption|]. destruct (still t W) as [_ ->]. exact LE.
    + (* Trained. *)
      destruct (@barrier n m (map row XZ) HX (fun q cc => neuron_F (map row XZ) (PR P) pk q (if b_output x then cc else 0%R)) (real s (b_level x)) (insideb (b_cells x)) g cf (b_inside x) (b_outside x))
        as (t & W & LE); try assumption; [now apply cell_ok | now apply cell_ok | |].
      * intros C D q cc OC OD AD IC ID LQ HC HD. apply (faces C D); try assumption. intro OF. now rewrite OF.
      * exists t. split; [assumption|]. destruct (GB t W) as [_ GB2]. unfold network_at in *. cbn [map_network map hd last map_layer weight bias] in *.
        assert (CC : (if b_output x then cf t else 0%R) = cf t) by (destruct (b_output x); [reflexivity | specialize (GB2 eq_refl); inversion_clear GB2; congruence]). now rewrite <- CC.
Qed.

(** Backwards. *)
Lemma backwards A B h o G : parameter_path A B h o G -> parameter_path B A h o (map_network (fun f t => f (1 - t)%R) G) /\
  forall t, network_at t (map_network (fun f t => f (1 - t)%R) G) = network_at (1 - t) G.
Proof.
  intros (GC & G0 & G1 & GB).
  assert (E : forall t, network_at t (map_network (fun f t => f (1 - t)%R) G) = network_at (1 - t) G).
  { intro t. unfold network_at, map_network. rewrite map_map. apply map_ext. intros [W b]. unfold map_layer; simpl. rewrite !map_map. f_equal. apply map_ext. intro r. now rewrite map_map. }
  assert (back : forall f, continuous f -> continuous (fun t => f (1 - t)%R)).
  { intros f H t W d D. destruct (H (1 - t)%R ltac:(lra) d D) as (q & Q & K). exists q. split; [exact Q|]. intros r Wr L. apply K; [lra|]. replace (1 - r - (1 - t))%R with (- (r - t))%R by ring. now rewrite Rabs_Ropp. }
  split; [|exact E]. split; [|split; [|split]].
  - clear - GC back. induction GC as [|l G [H1 H2] GC IH]; simpl; constructor; [|exact IH]. split; simpl.
    + apply Forall_forall. intros r I. apply in_map_iff in I as (q & <- & I). rewrite Forall_forall in H1. specialize (H1 q I). apply Forall_forall. intros f J. apply in_map_iff in J as (k & <- & J).
      apply back. rewrite Forall_forall in H1. now apply H1.
    + apply Forall_forall. intros f J. apply in_map_iff in J as (k & <- & J). apply back. rewrite Forall_forall in H2. now apply H2.
  - rewrite E, Rminus_0_r. exact G1.
  - rewrite E, Rminus_diag_eq by reflexivity. exact G0.
  - intros t W. rewrite E. apply GB. lra.
Qed.
Definition check_barrier_at (P : problem Z) (A B : network Z) (x : barrier_claim) : bool :=
  problemb s P A B && plainb (pred (size_of P)) A && plainb (pred (size_of P)) B && (0 <=? b_gap x) &&
  (if b_around_A x then barrier_core P A B x else barrier_core P B A x) &&
  ((b_gap x =? 0) ||
   match iF s e (context_of e P) (map_network (embed e) A), iF s e (context_of e P) (map_network (embed e) B) with
   | Some a, Some b => Z.shiftl (b_gap x) e <=? Z.shiftl (b_level x) e - Z.max (hi a) (hi b)
   | _, _ => false
   end).
Theorem check_barrier_sound P A B x : check_barrier_at P A B x = true ->
  barrier_lower_bound (PR P) (net A) (net B) (b_hidden x) (b_output x) (b_frozen x) (real s (b_level x)) (real s (b_gap x)).
Proof.
  intro E. unfold check_barrier_at in E. apply andb_prop in E as [E EG]. apply andb_prop in E as [E EC]. apply andb_prop in E as [E _]. apply andb_prop in E as [E PB]. apply andb_prop in E as [E0 PA].
  destruct (problemb_ok s_pos E0) as (HP & GS & _). pose proof (problemb_shapes E0) as (_ & SH & _).
  assert (facts : 0 <= kappa P /\ (match penalty_of P with NoPenalty => kappa P = 0 | PathNorm => True | L1 => True | _ => bias_priced P = false end) /\
                  forall j, In j (samples P) -> Datatypes.S (length (input j)) = size_of P).
  { unfold problemb in E0. cbv zeta in E0. apply andb_prop in E0 as [E0 _]. apply andb_prop in E0 as [E0 J]. do 6 (apply andb_prop in E0 as [E0 _]). apply andb_prop in E0 as [E0 BP]. apply andb_prop in E0 as [_ K].
    split; [|split].
    - destruct (penalty_of P); [apply Z.eqb_eq in K | apply Z.ltb_lt in K ..]; lia.
    - destruct (penalty_of P); try exact I; [now apply Z.eqb_eq | |]; rewrite orb_false_r in BP; now apply negb_true_iff in BP.
    - intros j I. rewrite forallb_forall in J. specialize (J j I). apply andb_prop in J as [J _]. apply andb_prop in J as [J _]. apply Nat.eqb_eq in J. unfold size_of. now rewrite J. }
  destruct facts as (K0 & PEN & SZ).
  assert (PEN' : forall A' B', barrier_core P A' B' x = true -> match penalty_of P with NoPenalty => kappa P = 0 | PathNorm => True | _ => bias_priced P = false end).
  { intros A' B' Q. unfold barrier_core in Q. cbv zeta in Q. do 8 (apply andb_prop in Q as [Q _]). apply andb_prop in Q as [_ Q]. destruct (penalty_of P); try exact PEN. discriminate. }
  assert (LAB : length (weight (hd (Layer [] []) A)) = length (weight (hd (Layer [] []) B))).
  { destruct A as [|lA A], B as [|lB B]; try reflexivity; try (inversion SH; fail). inversion_clear SH as [|? ? ? ? [H1 _] _]. apply same_rows_length in H1. simpl in *. now rewrite !map_length in H1. }
  assert (same : b_frozen x = true -> last (net A) empty_layer = last (net B) empty_layer).
  { intro FZ. assert (one : forall A' B', barrier_core P A' B' x = true -> last (net A') empty_layer = last (net B') empty_layer).
    { intros A' B' Q. unfold barrier_core in Q. cbv zeta in Q. apply andb_prop in Q as [_ Q]. unfold frozenb in Q. rewrite FZ in Q. cbn [negb orb] in Q.
      do 2 (apply andb_prop in Q as [Q _]). apply layer_eqb_eq in Q. now rewrite !last_net, Q. }
    destruct (b_around_A x); [now apply one | symmetry; now apply one]. }
  split; [exact same|]. split.
  - intros G HG GF. destruct (b_around_A x).
    + exact (core_ok HP GS K0 (PEN' _ _ EC) SZ PA PB LAB EC HG GF).
    + destruct (backwards HG) as [HG' BK]. destruct (core_ok HP GS K0 (PEN' _ _ EC) SZ PB PA (eq_sym LAB) EC HG') as (t & W & L).
      { intros FZ t W. rewrite BK, (GF FZ) by (unfold within in W; lra). exact (same FZ). }
      exists (1 - t)%R. split; [unfold within in W; lra|]. now rewrite <- BK.
  - intro GP. apply orb_prop in EG as [EG|EG]; [apply Z.eqb_eq in EG; rewrite EG, real_0 in GP; lra|].
    destruct (iF _ _ _ (map_network (embed e) A)) as [a|] eqn:EA; [|discriminate]. destruct (iF _ _ _ (map_network (embed e) B)) as [b|] eqn:EB; [|discriminate].
    pose proof (iF_ok s_pos e_pos GS (embed_network_ok s_pos e_pos A) EA) as [_ UA]. pose proof (iF_ok s_pos e_pos GS (embed_network_ok s_pos e_pos B) EB) as [_ UB].
    apply Z.leb_le, IZR_le in EG. rewrite minus_IZR, !(shift_real s_pos e_pos) in EG. pose proof (S_pos (scale_pos s_pos e_pos)) as sp.
    pose proof (IZR_le _ _ (Z.le_max_l (hi a) (hi b))). pose proof (IZR_le _ _ (Z.le_max_r (hi a) (hi b))).
    apply Rmult_le_reg_r with (S p); [assumption|]. rewrite Rmult_minus_distr_r. unfold Rmax. destruct (Rle_dec _ _); lra.
Qed.
End Claim.

Definition check_barrier (s : Z) (P : problem Z) (A B : network Z) (x : barrier_claim) : bool :=
  (0 <=? s) && existsb (fun e => check_barrier_at s e P A B x) (precisions s).
(** The main theorem of this file. *)
Theorem barrier_lower_bound_checked s P A B x : check_barrier s P A B x = true ->
  barrier_lower_bound (map_problem (real s) P) (map_network (real s) A) (map_network (real s) B) (b_hidden x) (b_output x) (b_frozen x)
    (real s (b_level x)) (real s (b_gap x)).
Proof.
  intro E. apply andb_prop in E as [S E]. apply Z.leb_le in S. apply existsb_exists in E as (e & I & E).
  apply (check_barrier_sound S (precisions_pos S I) E).
Qed.
