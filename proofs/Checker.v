(** * The checker, and the theorem that what it accepts is true *)
From Coq Require Import Reals List ZArith Bool Lia Lra Permutation PeanoNat.
From Proofs Require Import Spec Convex Moves Scaling Balance Permute Fixed Eval Chord Bound.
Import ListNotations.
Set Implicit Arguments.
Unset Strict Implicit.
Open Scope Z_scope.

(** ** Equality of what is stored *)
Fixpoint list_eqb {A} (f : A -> A -> bool) (u v : list A) : bool :=
  match u, v with [], [] => true | a :: u', b :: v' => f a b && list_eqb f u' v' | _, _ => false end.
Lemma list_eqb_eq {A} (f : A -> A -> bool) : (forall a b, f a b = true -> a = b) -> forall u v, list_eqb f u v = true -> u = v.
Proof.
  intros H. induction u; destruct v; simpl; try discriminate; [reflexivity|]. intro E. apply andb_prop in E as [E1 E2].
  f_equal; [now apply H | now apply IHu].
Qed.
Definition vector_eqb := list_eqb Z.eqb.
Definition matrix_eqb := list_eqb vector_eqb.
Definition layer_eqb (l m : layer Z) : bool := matrix_eqb (weight l) (weight m) && vector_eqb (bias l) (bias m).
Definition network_eqb := list_eqb layer_eqb.
Lemma Z_eqb_eq a b : (a =? b) = true -> a = b. Proof. apply Z.eqb_eq. Qed.
Lemma vector_eqb_eq u v : vector_eqb u v = true -> u = v. Proof. apply list_eqb_eq. apply Z_eqb_eq. Qed.
Lemma matrix_eqb_eq u v : matrix_eqb u v = true -> u = v. Proof. apply list_eqb_eq. apply vector_eqb_eq. Qed.
Lemma layer_eqb_eq l m : layer_eqb l m = true -> l = m.
Proof.
  destruct l, m. unfold layer_eqb; simpl. intro E. apply andb_prop in E as [E1 E2]. f_equal; [now apply matrix_eqb_eq | now apply vector_eqb_eq].
Qed.
Lemma network_eqb_eq v w : network_eqb v w = true -> v = w. Proof. apply list_eqb_eq. apply layer_eqb_eq. Qed.

(** ** Shapes *)
Definition same_length {A} (u v : list A) : bool := Nat.eqb (length u) (length v).
Definition same_rowsb := fun W V : list (list Z) => (same_length W V && forallb (fun rq => same_length (fst rq) (snd rq)) (combine W V))%bool.
Definition same_layerb (l m : layer Z) : bool := same_rowsb (weight l) (weight m) && same_length (bias l) (bias m).
Definition same_shapeb (v w : network Z) : bool := same_length v w && forallb (fun lm => same_layerb (fst lm) (snd lm)) (combine v w).
(** Every layer has rows, each as long as the layer before is wide, and as many biases. *)
Fixpoint chains (d : nat) (v : network Z) : bool :=
  match v with
  | [] => true
  | l :: v' => Nat.ltb 0 (length (weight l)) && forallb (fun r => Nat.eqb (length r) d) (weight l)
               && Nat.eqb (length (bias l)) (length (weight l)) && chains (length (weight l)) v'
  end.

(** ** Writes *)
Record write := Write { w_layer : nat; w_bias : bool; w_columns : bool; w_index : option (list nat); w_value : list (list Z) }.
Fixpoint set_nth {A} (i : nat) (x : A) (u : list A) : list A :=
  match u, i with [], _ => [] | _ :: u', O => x :: u' | a :: u', Datatypes.S i' => a :: set_nth i' x u' end.
Definition set_all {A} (index : list nat) (values : list A) (u : list A) : list A :=
  fold_left (fun u' ix => set_nth (fst ix) (snd ix) u') (combine index values) u.
Fixpoint different (u : list nat) : bool :=
  match u with [] => true | i :: u' => negb (existsb (Nat.eqb i) u') && different u' end.
Definition indices (index : list nat) (size : nat) : bool :=
  Nat.ltb 0 (length index) && different index && forallb (fun i => Nat.ltb i size) index.
(** Values of a bias are one row. [None] for a write that does not fit. *)
Definition write_layer (x : write) (l : layer Z) : option (layer Z) :=
  let m :=
    if w_bias x then
      match w_value x, w_index x, w_columns x with
      | [v], None, false => Some (Layer (weight l) v)
      | [v], Some i, false =>
          if indices i (length (bias l)) && Nat.eqb (length i) (length v) then Some (Layer (weight l) (set_all i v (bias l))) else None
      | _, _, _ => None
      end
    else
      match w_index x with
      | None => Some (Layer (w_value x) (bias l))
      | Some i =>
          if w_columns x then
            if indices i (length (hd [] (weight l))) && same_length (w_value x) (weight l)
               && forallb (fun v => Nat.eqb (length i) (length v)) (w_value x)
            then Some (Layer (map2 (set_all i) (w_value x) (weight l)) (bias l)) else None
          else if indices i (length (weight l)) && Nat.eqb (length i) (length (w_value x))
               then Some (Layer (set_all i (w_value x) (weight l)) (bias l)) else None
      end in
  match m with Some m => if same_layerb l m then Some m else None | None => None end.
(** Layers are counted from 0 here. *)
Fixpoint write_network (x : write) (k : nat) (v : network Z) : option (network Z) :=
  match v, k with
  | [], _ => None
  | l :: v', O => option_map (fun m => m :: v') (write_layer x l)
  | l :: v', Datatypes.S k' => option_map (cons l) (write_network x k' v')
  end.
Definition write_one (v : option (network Z)) (x : write) : option (network Z) :=
  match v with Some v => write_network x (w_layer x) v | None => None end.

(** ** Moves *)
Inductive kind := Idle | Transfer (hidden : nat) (pairs : list (nat * nat)) | Head | Chord (breaks : list Z) | Rescale (factors : list Z).
Record move := Move { kind_of : kind; writes : list write }.

(** The vertices after each move. *)
Fixpoint vertices (v : network Z) (moves : list move) : option (list (network Z)) :=
  match moves with
  | [] => Some []
  | m :: rest =>
      match fold_left write_one (writes m) (Some v) with
      | Some w => option_map (cons w) (vertices w rest)
      | None => None
      end
  end.

Definition step_of (k : kind) (w : network Z) : step Z := match k with Rescale c => Curve c w | _ => Segment w end.
Definition steps (v : network Z) (moves : list move) : option (list (step Z)) := option_map (map2 step_of (map kind_of moves)) (vertices v moves).

(** *** Idle and head moves *)
Definition silent (a b : Z) : bool := (a =? 0) && (b =? 0).
Fixpoint orb_list (u v : list bool) : list bool :=
  match u, v with a :: u', b :: v' => (a || b) :: orb_list u' v' | [], _ => v | _, [] => u end.
(** Which inputs of a layer are heard, when [out] says which of its neurons are. *)
Fixpoint heard (out : list bool) (W V : list (list Z)) : list bool :=
  match out, W, V with
  | o :: out', r :: W', q :: V' => orb_list (map2 (fun a b => o && negb (silent a b)) r q) (heard out' W' V')
  | _, _, _ => []
  end.
Fixpoint coversb (live : list bool) (r q : list Z) : bool :=
  match live, r, q with
  | _, [], [] => true
  | b :: l, a :: r', c :: q' => (b || silent a c) && coversb l r' q'
  | _, _, _ => false
  end.
Fixpoint quiet_rowsb (out live : list bool) (W : list (list Z)) (b : list Z) (V : list (list Z)) (c : list Z) : bool :=
  match out, W, b, V, c with
  | [], [], [], [], [] => true
  | o :: out', r :: W', x :: b', q :: V', y :: c' =>
      (negb o || (vector_eqb r q && (x =? y) && coversb live r q)) && quiet_rowsb out' live W' b' V' c'
  | _, _, _, _, _ => false
  end.
Fixpoint heard_rowsb (live : list bool) (W : list (list Z)) (b : list Z) (V : list (list Z)) (c : list Z) : bool :=
  match W, b, V, c with
  | [], [], [], [] => true
  | r :: W', x :: b', q :: V', y :: c' => coversb live r q && heard_rowsb live W' b' V' c'
  | _, _, _, _ => false
  end.
(** The heard inputs of the first layer, when only unheard neurons change (and the last layer, with [head]). *)
Fixpoint quietb (head : bool) (v w : network Z) : option (list bool) :=
  match v, w with
  | [l], [m] =>
      let live := heard (map (fun _ => true) (weight l)) (weight l) (weight m) in
      if heard_rowsb live (weight l) (bias l) (weight m) (bias m) && (head || layer_eqb l m) then Some live else None
  | l :: v', m :: w' =>
      match quietb head v' w' with
      | Some out =>
          let live := heard out (weight l) (weight m) in
          if quiet_rowsb out live (weight l) (bias l) (weight m) (bias m) then Some live else None
      | None => None
      end
  | _, _ => None
  end.

(** *** Transfers *)
Fixpoint remove_first {A} (f : A -> A -> bool) (x : A) (u : list A) : option (list A) :=
  match u with [] => None | y :: u' => if f x y then Some u' else option_map (cons y) (remove_first f x u') end.
Fixpoint permutationb {A} (f : A -> A -> bool) (u v : list A) : bool :=
  match u with
  | [] => match v with [] => true | _ => false end
  | x :: u' => match remove_first f x v with Some v' => permutationb f u' v' | None => false end
  end.
Definition incoming (l : layer Z) : list (list Z) := map2 cons (bias l) (weight l).
Definition pair_eqb (x y : list Z * Z) : bool := (snd x =? snd y) && vector_eqb (fst x) (fst y).
Definition row_pair_eqb (x y : list Z * list Z) : bool := vector_eqb (snd x) (snd y) && vector_eqb (fst x) (fst y).
Definition same_pairsb (E : list (list Z)) (r q : list Z) : bool :=
  same_length r (map (fun _ => 0) E) && same_length q (map (fun _ => 0) E) && permutationb pair_eqb (combine E r) (combine E q).
(** The conditions of the format on the pairs (i, j). *)
Definition handed_over (l l' m' : layer Z) (pairs : list (nat * nat)) : bool :=
  let named := flat_map (fun ij => [fst ij; snd ij]) pairs in
  let E := incoming l in
  indices named (length (weight l)) &&
  forallb (fun ij => vector_eqb (nth (fst ij) E []) (nth (snd ij) E [])) pairs &&
  forallb (fun rq => forallb (fun ij => (nth (snd ij) (fst rq) 0 =? 0) && (nth (fst ij) (snd rq) 0 =? 0)
                                        && (nth (snd ij) (snd rq) 0 =? nth (fst ij) (fst rq) 0)) pairs
                     && forallb (fun k => existsb (Nat.eqb k) named || (nth k (fst rq) 0 =? nth k (snd rq) 0)) (seq 0 (length (weight l))))
          (combine (weight l') (weight m')).
(** [k] hidden layers are skipped. *)
Fixpoint transferb (k : nat) (pairs : list (nat * nat)) (v w : network Z) : bool :=
  match k, v, w with
  | O, l :: l' :: v', m :: m' :: w' =>
      layer_eqb l m && vector_eqb (bias l') (bias m') && network_eqb v' w' && handed_over l l' m' pairs
      && same_length (weight l') (weight m') && forallb (fun rq => same_pairsb (incoming l) (fst rq) (snd rq)) (combine (weight l') (weight m'))
      && permutationb row_pair_eqb (combine (incoming l) (columns (weight l'))) (combine (incoming l) (columns (weight m')))
  | Datatypes.S k', l :: v', m :: w' => layer_eqb l m && transferb k' pairs v' w'
  | _, _, _ => false
  end.

Section At.
Variable s : Z.
Hypothesis s_pos : 0 <= s.
Notation net := (map_network (real s)).
Notation row := (map (real s)).

Lemma real_0 : real s 0 = 0%R. Proof. unfold real; lra. Qed.
Lemma same_length_eq {A} (u v : list A) : same_length u v = true -> length u = length v.
Proof. apply Nat.eqb_eq. Qed.
Lemma forallb_combine {A B} (f : A -> B -> bool) (Q : A -> B -> Prop) u v : (forall a b, f a b = true -> Q a b) ->
  length u = length v -> forallb (fun ab => f (fst ab) (snd ab)) (combine u v) = true -> Forall2 Q u v.
Proof.
  intros H. revert v. induction u; destruct v; try discriminate; intros L E; constructor; simpl in *; apply andb_prop in E as [E1 E2]; auto.
Qed.
Lemma same_rowsb_ok W V : same_rowsb W V = true -> same_rows (map row W) (map row V).
Proof.
  intro E. apply andb_prop in E as [E1 E2]. apply same_length_eq in E1.
  apply (forallb_combine (f := fun r q => same_length r q) (Q := fun r q => length r = length q)) in E2; [|apply same_length_eq | assumption].
  clear E1. induction E2; simpl; constructor; [now rewrite !map_length | assumption].
Qed.
Lemma same_shapeb_ok v w : same_shapeb v w = true -> same_shape (net v) (net w).
Proof.
  intro E. apply andb_prop in E as [E1 E2]. apply same_length_eq in E1.
  apply (forallb_combine (f := fun l m => same_layerb l m) (Q := fun l m => same_layer (map_layer (real s) l) (map_layer (real s) m))) in E2;
    [|intros l m E; apply andb_prop in E as [L M]; split; simpl; [now apply same_rowsb_ok | rewrite !map_length; now apply same_length_eq] | assumption].
  clear E1. induction E2; simpl; constructor; assumption.
Qed.

Lemma silent_ok a b : silent a b = true -> real s a = 0%R /\ real s b = 0%R.
Proof. intro E. apply andb_prop in E as [E1 E2]. apply Z.eqb_eq in E1, E2. subst. split; apply real_0. Qed.
Lemma coversb_ok live r q : coversb live r q = true -> covers live (row r) (row q).
Proof.
  revert r q; induction live as [|b l IH]; intros [|a r] [|c q]; simpl; try discriminate; auto. intro E. apply andb_prop in E as [E1 E2].
  split; [|now apply IH]. intros ->. now apply silent_ok.
Qed.
Lemma quiet_rowsb_ok out live W b V c : quiet_rowsb out live W b V c = true ->
  quiet_rows out live (map row W) (row b) (map row V) (row c).
Proof.
  revert W b V c; induction out as [|o out IH]; intros [|r W] [|x b] [|q V] [|y c]; simpl; try discriminate; auto. intro E.
  apply andb_prop in E as [E1 E2]. split; [|now apply IH]. intros ->. simpl in E1. apply andb_prop in E1 as [E1 E3].
  apply andb_prop in E1 as [E1 E4]. apply vector_eqb_eq in E1. apply Z.eqb_eq in E4. subst. repeat split. now apply coversb_ok.
Qed.
Lemma heard_rowsb_ok live W b V c : heard_rowsb live W b V c = true -> heard_rows live (map row W) (row b) (map row V) (row c).
Proof.
  revert b V c; induction W as [|r W IH]; intros [|x b] [|q V] [|y c]; simpl; try discriminate; auto. intro E.
  apply andb_prop in E as [E1 E2]. split; [now apply coversb_ok | now apply IH].
Qed.
Lemma quietb_ok head v w live : quietb head v w = Some live -> quiet head live (net v) (net w).
Proof.
  revert w live; induction v as [|l v IH]; intros [|m w] live E; try discriminate; [destruct v; discriminate|].
  assert (last : v = [] -> w = [] -> quiet head live (net (l :: v)) (net (m :: w))).
  { intros -> ->. simpl in E. destruct (_ && _) eqn:Q; [|discriminate]. injection E as <-. apply andb_prop in Q as [Q1 Q2].
    simpl. apply quiet_last; [now apply heard_rowsb_ok|]. intros ->. simpl in Q2. now apply layer_eqb_eq in Q2 as ->. }
  destruct v as [|l' v], w as [|m' w]; [now apply last | | |].
  - simpl in E. discriminate.
  - simpl in E. destruct v; discriminate.
  - change (quietb head (l :: l' :: v) (m :: m' :: w)) with
      (match quietb head (l' :: v) (m' :: w) with
       | Some out => let live := heard out (weight l) (weight m) in
           if quiet_rowsb out live (weight l) (bias l) (weight m) (bias m) then Some live else None
       | None => None end) in E.
    destruct (quietb head (l' :: v) (m' :: w)) as [out|] eqn:Q; [|discriminate]. cbv zeta in E.
    destruct (quiet_rowsb _ _ _ _ _ _) eqn:R in E; [|discriminate]. injection E as E. subst live.
    apply (@quiet_cons head _ out _ _ (net (l' :: v)) (net (m' :: w))); [now apply IH | now apply quiet_rowsb_ok].
Qed.

Lemma remove_first_ok {A} (f : A -> A -> bool) : (forall a b, f a b = true -> a = b) -> forall x u v, remove_first f x u = Some v -> Permutation (x :: v) u.
Proof.
  intros H x. induction u as [|y u IH]; intros v E; simpl in E; [discriminate|]. destruct (f x y) eqn:Q.
  - injection E as <-. apply H in Q as <-. apply Permutation_refl.
  - destruct (remove_first f x u) as [v'|]; [|discriminate]. injection E as <-.
    apply perm_trans with (y :: x :: v'); [apply perm_swap | apply perm_skip; now apply IH].
Qed.
Lemma permutationb_ok {A} (f : A -> A -> bool) : (forall a b, f a b = true -> a = b) -> forall u v, permutationb f u v = true -> Permutation u v.
Proof.
  intros H. induction u as [|x u IH]; intros v E; simpl in E; [destruct v; [constructor | discriminate]|].
  destruct (remove_first f x v) as [v'|] eqn:R; [|discriminate].
  apply perm_trans with (x :: v'); [apply perm_skip; now apply IH | now apply (remove_first_ok H)].
Qed.
Lemma pair_eqb_eq x y : pair_eqb x y = true -> x = y.
Proof.
  destruct x, y. unfold pair_eqb; simpl. intro E. apply andb_prop in E as [E1 E2]. apply Z.eqb_eq in E1. apply vector_eqb_eq in E2. now subst.
Qed.
Lemma extended_map l : extended_rows (map_layer (real s) l) = map row (incoming l).
Proof.
  destruct l as [W b]. unfold extended_rows, incoming; simpl. revert b; induction W; destruct b; simpl; try reflexivity. now rewrite IHW.
Qed.
Lemma combine_map E r : combine (map row E) (row r) = map (fun x => (row (fst x), real s (snd x))) (combine E r).
Proof. revert r; induction E; destruct r; simpl; try reflexivity. now rewrite IHE. Qed.
Lemma same_pairsb_ok l r q : same_pairsb (incoming l) r q = true -> same_pairs (map_layer (real s) l) (row r) (row q).
Proof.
  intro E. apply andb_prop in E as [E E3]. apply andb_prop in E as [E1 E2]. apply same_length_eq in E1, E2. rewrite map_length in E1, E2.
  unfold same_pairs. rewrite extended_map, !map_length, !combine_map. repeat split; try assumption.
  apply Permutation_map. now apply (permutationb_ok pair_eqb_eq).
Qed.
Lemma row_pair_eqb_eq x y : row_pair_eqb x y = true -> x = y.
Proof.
  destruct x, y. unfold row_pair_eqb; simpl. intro E. apply andb_prop in E as [E1 E2]. apply vector_eqb_eq in E1, E2. now subst.
Qed.
Lemma attach_map (r : list Z) C : attach (row r) (map row C) = map row (attach r C).
Proof. revert C; induction r as [|x r IH]; intros [|c C]; simpl; try reflexivity; f_equal; [apply (IH []) | apply IH]. Qed.
Lemma columns_map W : columns (map row W) = map row (columns W).
Proof. induction W as [|r W IH]; [reflexivity|]. simpl. unfold columns in *. simpl. now rewrite IH, attach_map. Qed.
Lemma combine_rows E C : combine (map row E) (map row C) = map (fun x => (row (fst x), row (snd x))) (combine E C).
Proof. revert C; induction E; destruct C; simpl; try reflexivity. now rewrite IHE. Qed.
Lemma transferb_ok k pairs v w : transferb k pairs v w = true -> transferred (net v) (net w).
Proof.
  revert v w; induction k as [|k IH]; intros v w E.
  - destruct v as [|l [|l' v]], w as [|m [|m' w]]; try discriminate. cbn [transferb] in E.
    apply andb_prop in E as [E C]. apply andb_prop in E as [E H]. apply andb_prop in E as [E H0]. apply andb_prop in E as [E _].
    apply andb_prop in E as [E H2]. apply andb_prop in E as [E H3].
    apply layer_eqb_eq in E. apply network_eqb_eq in H2. apply vector_eqb_eq in H3. apply same_length_eq in H0. subst. simpl.
    apply transferred_here; [|simpl; now rewrite H3 | cbn [map_layer weight]; rewrite extended_map, !columns_map, !combine_rows;
      apply Permutation_map; now apply (permutationb_ok row_pair_eqb_eq)].
    apply (forallb_combine (f := fun r q => same_pairsb (incoming m) r q)
             (Q := fun r q => same_pairs (map_layer (real s) m) (row r) (row q))) in H; [|apply same_pairsb_ok | assumption].
    simpl. clear - H. induction H; simpl; constructor; assumption.
  - destruct v as [|l v], w as [|m w]; try discriminate. simpl in E. apply andb_prop in E as [E1 E2]. apply layer_eqb_eq in E1 as ->.
    simpl. apply transferred_next. now apply IH.
Qed.
End At.

(** ** Section "Problem" *)
Definition depth_fits (q : penalty) (v : network Z) : bool :=
  match q with PathNorm | WeightDecay | Balanced => Nat.eqb (length v) 2 | _ => true end.
Definition outputs_of (v : network Z) : nat := length (weight (last v (Layer [] []))).
Definition target_fits (s : Z) (o : loss Z) (K : nat) (j : sample Z) : bool :=
  match o with
  | CrossEntropy => Nat.leb 2 K && Nat.ltb (label j) K && Nat.eqb (length (target j)) 0
  | Logistic | Hinge => Nat.eqb K 1 && match target j with [y] => Z.abs y =? 2 ^ s | _ => false end
  | _ => Nat.eqb (length (target j)) K
  end.
Definition problemb (s : Z) (P : problem Z) (A B : network Z) : bool :=
  let inputs := length (match samples P with j :: _ => input j | [] => [] end) in
  (0 <=? slope P) && (slope P <? 2 ^ s) &&
  match loss_of P with Huber d => 0 <? d | _ => true end &&
  match penalty_of P with NoPenalty => kappa P =? 0 | _ => 0 <? kappa P end &&
  (negb (bias_priced P) || match penalty_of P with L1 | PathNorm => true | _ => false end) &&
  Nat.ltb 1 (length A) && chains inputs A && same_shapeb A B && depth_fits (penalty_of P) A && Nat.leb (outputs_of A) 1000 &&
  Nat.ltb 0 (length (samples P)) &&
  forallb (fun j => Nat.eqb (length (input j)) inputs && target_fits s (loss_of P) (outputs_of A) j && (0 <=? share j)) (samples P) &&
  (0 <? zsum (map (@share Z) (samples P))).

Lemma real_le s a b : 0 <= s -> a <= b -> (real s a <= real s b)%R.
Proof.
  intros Hs H. unfold real, Rdiv. apply Rmult_le_compat_r; [|now apply IZR_le].
  left. apply Rinv_0_lt_compat. apply IZR_lt. now apply Z.pow_pos_nonneg.
Qed.
Lemma real_one s : 0 <= s -> real s (2 ^ s) = 1%R.
Proof. intro H. unfold real. apply Rinv_r. apply Rgt_not_eq. apply IZR_lt. now apply Z.pow_pos_nonneg. Qed.
Lemma problemb_ok s P A B : 0 <= s -> problemb s P A B = true ->
  proper (map_problem (real s) P) /\ good_shares P /\ fits_depth (penalty_of P) (map_network (real s) A).
Proof.
  intros Hs E. unfold problemb in E. cbv zeta in E.
  apply andb_prop in E as [E T]. apply andb_prop in E as [E J]. apply andb_prop in E as [E _]. apply andb_prop in E as [E _].
  apply andb_prop in E as [E D]. do 3 (apply andb_prop in E as [E _]). apply andb_prop in E as [E _].
  apply andb_prop in E as [E K]. apply andb_prop in E as [E L]. apply andb_prop in E as [S1 S2].
  apply Z.leb_le in S1. apply Z.ltb_lt in S2, T.
  assert (N : forall z, In z (map (@share Z) (samples P)) -> 0 <= z).
  { intros z I. apply in_map_iff in I as (j & <- & I). rewrite forallb_forall in J. specialize (J j I).
    apply andb_prop in J as [_ J]. now apply Z.leb_le. }
  assert (G : good_shares P) by (split; assumption).
  split; [|split; [assumption|]].
  - unfold proper. cbn [map_problem slope loss_of kappa samples]. rewrite map_shares. repeat split.
    + rewrite <- (real_0 s). now apply real_le.
    + rewrite <- (real_one Hs). now apply real_lt.
    + destruct (loss_of P); simpl in *; trivial. rewrite <- (real_0 s). apply real_lt; [assumption | now apply Z.ltb_lt].
    + rewrite <- (real_0 s). apply real_le; [assumption|]. destruct (penalty_of P); [apply Z.eqb_eq in K | apply Z.ltb_lt in K ..]; lia.
    + now apply shares_real.
    + rewrite sum_real. apply Rmult_lt_0_compat; [now apply IZR_lt | apply Rinv_0_lt_compat, IZR_lt; now apply Z.pow_pos_nonneg].
  - destruct (penalty_of P); simpl in *; trivial; unfold map_network; rewrite map_length; now apply Nat.eqb_eq.
Qed.

(** ** Claims *)
Record path_claim := PathClaim { moves : list move; permutation : option (list (list nat)); in_balanced_form : bool;
  sup : Z; gap : Z; gap_over_lower : Z; over_level : option (Z * Z); frozen : bool }.

(** *** Curves of scalings *)
Definition factorsb (one : Z) (c : list Z) : bool := forallb (fun x => (one <? Z.shiftl x 500) && (x <? Z.shiftl one 500) && (0 <? x)) c.
Definition rescaleb (one : Z) (c : list Z) (v w : network Z) : bool :=
  match v, w with
  | [l; m], [_; m'] => factorsb one c && Nat.eqb (length (weight l)) (length c) && Nat.eqb (length (bias l)) (length c) && forallb (fun r => Nat.eqb (length r) (length c)) (weight m)
                       && vector_eqb (bias m) (bias m')
  | _, _ => false
  end.

(** *** Permutations *)
Fixpoint relabelsb (ps : list (list nat)) (v : network Z) : bool :=
  match ps, v with
  | [], [_] => true
  | p :: ps', l :: rest => permutationb Nat.eqb p (seq 0 (length (weight l))) && Nat.eqb (length (bias l)) (length (weight l))
      && forallb (fun r => Nat.eqb (length r) (length (weight l))) (weight (hd (Layer [] []) rest)) && relabelsb ps' rest
  | _, _ => false
  end.
Definition permutation_fits (ps : option (list (list nat))) (v : network Z) : bool := match ps with Some ps => relabelsb ps v | None => true end.

Definition kindb (k : kind) (one : Z) (v w : network Z) : bool :=
  match k with
  | Idle => match quietb false v w with Some _ => true | None => false end
  | Head => match quietb true v w with Some _ => true | None => false end
  | Transfer h pairs => transferb h pairs v w
  | Chord breaks => increasing 0 breaks one
  | Rescale c => rescaleb one c v w
  end.
(** F is the same at both ends, and between them. *)
Definition constant (q : penalty) (k : kind) : bool :=
  match k with Idle | Transfer _ _ => negb (reads_rows q) | _ => false end.

Section Path.
Variables s e : Z.
Hypothesis s_pos : 0 <= s.
Hypothesis e_pos : 0 <= e.
Notation p := (scale s e).
Notation net := (map_network (real s)).
Notation PR := (map_problem (real s)).

(** The end of a curve of scalings: products, and quotients by factors above 0. *)
Definition iquotient (y x : Z) : itv := let q := Z.shiftl y p in Itv (q / x) (div_up q x).
Definition irescaled (c : list Z) (v : network Z) : network itv :=
  match v with
  | [l; m] => let times x y := mul p (embed e x) (embed e y) in
      [Layer (map2 (fun x r => map (times x) r) c (weight l)) (map2 times c (bias l));
       Layer (map (map2 (fun x y => iquotient y x) c) (weight m)) (map (embed e) (bias m))]
  | _ => map_network (embed e) v
  end.
Lemma iquotient_ok y x : 0 < x -> contains p (iquotient y x) (/ real s x * real s y).
Proof.
  intro X. pose proof (S_pos (scale_pos s_pos e_pos)) as sp. pose proof (IZR_lt _ _ X) as X'. assert (D : (0 < IZR (2 ^ s))%R) by (apply IZR_lt; now apply Z.pow_pos_nonneg).
  unfold contains, iquotient; cbn [lo hi]. set (q := Z.shiftl y p).
  assert (Q : (/ real s x * real s y * S p * IZR x = IZR q)%R).
  { unfold q. rewrite Z.shiftl_mul_pow2, mult_IZR by apply (scale_pos s_pos e_pos). unfold real, S. field. lra. }
  pose proof (div_le q X). pose proof (div_up_ge q X). split; apply Rmult_le_reg_r with (IZR x); lra.
Qed.
Lemma factors_ok c : factorsb (2 ^ s) c = true -> Forall (fun x => 0 < x) c.
Proof.
  intro E. apply Forall_forall. intros x I. unfold factorsb in E. rewrite forallb_forall in E. specialize (E x I). apply andb_prop in E as [_ E]. now apply Z.ltb_lt.
Qed.
Lemma factors_real c : Forall (fun x => 0 < x) c -> Forall (fun x => (0 < x)%R) (map (real s) c).
Proof. intro H. induction H; simpl; constructor; [|assumption]. rewrite <- (real_0 s). now apply real_lt. Qed.
Lemma rescaleb_ok c v w : rescaleb (2 ^ s) c v w = true -> shallow (length c) (net v) /\ Forall (fun x => 0 < x) c.
Proof.
  destruct v as [|l [|m [|? ?]]], w as [|l' [|m' [|? ?]]]; try discriminate. simpl. intro E. apply andb_prop in E as [E _].
  apply andb_prop in E as [E E3]. apply andb_prop in E as [E E2]. apply andb_prop in E as [E E1]. apply Nat.eqb_eq in E1, E2. rewrite !map_length. repeat split; try assumption.
  - rewrite forallb_forall in E3. apply Forall_forall. intros r I. apply in_map_iff in I as (q & <- & I). rewrite map_length. now apply Nat.eqb_eq, E3.
  - now apply factors_ok.
Qed.
Lemma irescaled_ok c v : Forall (fun x => 0 < x) c -> shallow (length c) (net v) -> holds_network p (irescaled c v) (rescaled (map (real s) c) 1 (net v)).
Proof.
  intros C SH. pose proof (scale_pos s_pos e_pos) as sp. destruct v as [|l [|m [|? ?]]]; try easy. unfold irescaled, rescaled, scaled. simpl.
  assert (one : map (fun x => Rpower x 1) (map (real s) c) = map (real s) c).
  { rewrite <- (map_id (map (real s) c)) at 2. apply map_ext_in. intros x I. apply Rpower_1. pose proof (factors_real C) as R0. rewrite Forall_forall in R0. now apply R0. }
  assert (inv : map (fun x => (/ Rpower x 1)%R) (map (real s) c) = map (fun x => (/ real s x)%R) c).
  { transitivity (map (fun x => (/ x)%R) (map (fun x => Rpower x 1) (map (real s) c))); [symmetry; apply (map_map (fun x => Rpower x 1) Rinv) | rewrite one; apply map_map]. }
  rewrite one, inv. assert (times : forall x y, contains p (mul p (embed e x) (embed e y)) (real s x * real s y)) by (intros; apply mul_ok; [assumption | now apply embed_ok ..]).
  constructor; [|constructor; [|constructor]]; split; simpl.
  - generalize (weight l). clear - times. induction c as [|x c IH]; intros [|r W]; simpl; constructor; [|apply IH]. clear - times. induction r; simpl; constructor; auto.
  - generalize (bias l). clear - times. induction c as [|x c IH]; intros [|y b]; simpl; constructor; auto.
  - clear - C s_pos e_pos. induction (weight m) as [|r W IH]; simpl; constructor; [|assumption]. clear IH. revert r. induction C as [|x c X C IH]; intros [|y r]; simpl; constructor; [|apply IH]. now apply iquotient_ok.
  - now apply embed_list_ok.
Qed.

(** Upper bounds of F, at scale [p], on all that is not joined to an end by constant moves. *)
Fixpoint walk (c : context) (v : network Z) (steps : list (kind * network Z)) : option (list Z) :=
  match steps with
  | [] => Some []
  | (k, w) :: rest =>
      if same_shapeb v w && kindb k (2 ^ s) v w then
        let ends :=
          if constant (c_penalty c) k || forallb (fun kw => constant (c_penalty c) (fst kw)) rest then Some []
          else option_map (fun i => [hi i]) (iF s e c (map_network (embed e) w)) in
        let between :=
          match k with
          | Chord breaks => option_map (fun u => [u]) (cut_bound s e c (map_network (embed e) v) (map_network (embed e) w) breaks)
          | Rescale f => option_map (fun u => [u]) (chord_bound s e c (irescaled f v) (map_network (embed e) w))
          | _ => Some []
          end in
        option_map2 (@app Z) between (option_map2 (@app Z) ends (walk c w rest))
      else None
  end.

Definition bounded (x : R) (u : list Z) : Prop := exists b, In b u /\ (x * S p <= IZR b)%R.
Lemma bounded_app_l x u v : bounded x u -> bounded x (u ++ v).
Proof. intros (b & I & H). exists b. split; [apply in_or_app; now left | assumption]. Qed.
Lemma bounded_app_r x u v : bounded x v -> bounded x (u ++ v).
Proof. intros (b & I & H). exists b. split; [apply in_or_app; now right | assumption]. Qed.
Lemma bounded_le x y u : (x <= y)%R -> bounded y u -> bounded x u.
Proof.
  intros L (b & I & H). exists b. split; [assumption|]. pose proof (S_pos (scale_pos s_pos e_pos)).
  apply Rle_trans with (y * S p)%R; [apply Rmult_le_compat_r; lra | assumption].
Qed.

Lemma same_shape_trans u v w : same_shape u v -> same_shape v w -> same_shape u w.
Proof.
  intro H; revert w. induction H as [|l m u v [S1 S2] H IH]; intros w K; inversion_clear K as [|? ? ? ? [T1 T2] HR]; constructor; [|now apply IH].
  split; [|congruence]. clear - S1 T1. revert T1. generalize (weight y). induction S1; intros Y T; inversion_clear T; constructor; [congruence | now apply IHS1].
Qed.
Lemma same_shape_refl v : same_shape v v.
Proof. induction v; constructor; [|assumption]. split; [|reflexivity]. induction (weight a); constructor; [reflexivity | assumption]. Qed.
Lemma same_shape_sym v w : same_shape v w -> same_shape w v.
Proof. induction 1 as [|l m v w [S1 S2] H IH]; constructor; [|assumption]. split; [|now symmetry]. clear - S1. induction S1; constructor; [now symmetry | assumption]. Qed.
Lemma same_shape_lerp_l t v w : same_shape v w -> same_shape v (lerp_network t v w).
Proof.
  induction 1 as [|l m v w [S1 S2] H IH]; [constructor|]. cbn [lerp_network map2]. constructor; [|assumption]. split; simpl; [|rewrite map2_length; lia].
  clear - S1. induction S1 as [|r q W V L S1 IH]; simpl; constructor; [rewrite map2_length; lia | assumption].
Qed.
Lemma lerp_network_0 v w : same_shape v w -> lerp_network 0 v w = v.
Proof. induction 1 as [|l m v w H SH IH]; [reflexivity|]. cbn [lerp_network map2]. rewrite lerp_layer_0 by assumption. unfold lerp_network in IH. now rewrite IH. Qed.
Lemma lerp_between t a b : within t -> (lerp t a b <= a \/ lerp t a b <= b)%R.
Proof. intros [W1 W2]. unfold lerp. destruct (Rle_dec a b); [right | left]; nra. Qed.
Lemma fits_depth_same q v w : same_shape v w -> fits_depth q v -> fits_depth q w.
Proof.
  intros H D. assert (L : length v = length w) by (clear D; induction H; simpl; auto). destruct q; simpl in *; congruence.
Qed.
Lemma constant_ok P k v w : fits_depth (penalty_of P) (net v) -> kindb k (2 ^ s) v w = true -> constant (penalty_of P) k = true ->
  F (PR P) (net v) = F (PR P) (net w).
Proof.
  intros D K C. destruct k; try discriminate; simpl in K, C; apply negb_true_iff in C.
  - destruct (quietb false v w) as [live|] eqn:Q; [|discriminate]. now apply (@idle_constant live (net v) (net w) (PR P) D C (quietb_ok s Q)).
  - apply (@transfer_constant (net v) (net w) (PR P) D C). now apply (@transferb_ok s hidden pairs).
Qed.
Lemma convex_ok P k v w t : proper (PR P) -> fits_depth (penalty_of P) (net v) -> same_shape (net v) (net w) -> within t ->
  kindb k (2 ^ s) v w = true -> (forall breaks, k <> Chord breaks) -> (forall c, k <> Rescale c) ->
  (F (PR P) (lerp_network t (net v) (net w)) <= lerp t (F (PR P) (net v)) (F (PR P) (net w)))%R.
Proof.
  intros HP D SH W K N N'. destruct k; simpl in K.
  - destruct (quietb false v w) as [live|] eqn:Q; [|discriminate]. now apply (@quiet_convex _ live (net v) (net w) (PR P) t HP W SH D (quietb_ok s Q)).
  - apply transfer_convex; try assumption. now apply (@transferb_ok s hidden pairs).
  - destruct (quietb true v w) as [live|] eqn:Q; [|discriminate]. now apply (@quiet_convex _ live (net v) (net w) (PR P) t HP W SH D (quietb_ok s Q)).
  - now elim (N breaks).
  - now elim (N' factors).
Qed.

Lemma walk_constant P c v steps u : c = context_of e P -> fits_depth (penalty_of P) (net v) -> walk c v steps = Some u ->
  forallb (fun kw => constant (c_penalty c) (fst kw)) steps = true -> F (PR P) (net v) = F (PR P) (net (last (map snd steps) v)).
Proof.
  intros Hc. revert v u; induction steps as [|[k w] rest IH]; intros v u D E C; [reflexivity|]. simpl in E, C.
  apply andb_prop in C as [C1 C2]. destruct (same_shapeb v w && kindb k (2 ^ s) v w) eqn:Q; [|discriminate].
  apply andb_prop in Q as [Q1 Q2]. rewrite C1 in E. simpl in E. rewrite (constant_ok D Q2) by (now rewrite Hc in C1).
  destruct (walk c w rest) as [u'|] eqn:EW; [|destruct (match k with Chord _ => _ | _ => _ end); discriminate].
  replace (last (map snd ((k, w) :: rest)) v) with (last (map snd rest) w).
  - apply (IH w u'); try assumption. apply (fits_depth_same (same_shapeb_ok s Q1) D).
  - simpl. destruct (map snd rest) as [|z r] eqn:M; [reflexivity|]. clear. revert z; induction r as [|y r IH]; intro z; [reflexivity|]. apply IH.
Qed.
Theorem walk_ok P v steps u B : proper (PR P) -> good_shares P -> fits_depth (penalty_of P) (net v) ->
  walk (context_of e P) v steps = Some u -> last (map snd steps) v = B ->
  forall q, on_path (net v) (map (fun kw => map_step (real s) (step_of (fst kw) (snd kw))) steps) q ->
  (F (PR P) q <= F (PR P) (net v))%R \/ (F (PR P) q <= F (PR P) (net B))%R \/ bounded (F (PR P) q) u.
Proof.
  intros HP G. revert v u; induction steps as [|[k w] rest IH]; intros v u D E L q H.
  - simpl in H. subst q. left. apply Rle_refl.
  - set (c := context_of e P) in *. simpl in E. destruct (same_shapeb v w && kindb k (2 ^ s) v w) eqn:Q; [|discriminate].
    apply andb_prop in Q as [Q1 Q2]. pose proof (same_shapeb_ok s Q1) as SH. pose proof (fits_depth_same SH D) as Dw.
    assert (L' : last (map snd rest) w = B).
    { rewrite <- L. simpl. destruct (map snd rest) as [|z r]; [reflexivity|]. clear. revert z; induction r as [|y r IH]; intro z; [reflexivity|]. apply IH. }
    match type of E with option_map2 _ ?x (option_map2 _ ?y _) = _ => set (between := x) in *; set (ends := y) in * end.
    destruct between as [b|] eqn:EB; [|discriminate]. destruct ends as [d|] eqn:ED; [|discriminate].
    destruct (walk c w rest) as [u'|] eqn:EW; [|discriminate]. simpl in E. injection E as <-.
    specialize (IH w u' Dw EW L').
    assert (Fw : (F (PR P) (net w) <= F (PR P) (net v))%R \/ (F (PR P) (net w) <= F (PR P) (net B))%R \/ bounded (F (PR P) (net w)) d).
    { unfold ends in ED. destruct (constant (penalty_of P) k) eqn:C.
      - left. rewrite (constant_ok D Q2 C). apply Rle_refl.
      - destruct (forallb _ rest) eqn:R.
        + right. left. rewrite <- L'. rewrite (walk_constant (P := P) (u := u') eq_refl Dw EW R). apply Rle_refl.
        + right. right. cbn [orb] in ED. destruct (iF s e c (map_network (embed e) w)) as [i|] eqn:EI; simpl in ED; [|discriminate ED]. injection ED as <-.
          exists (hi i). split; [now left|]. pose proof (iF_ok s_pos e_pos G (embed_network_ok s_pos e_pos w) EI) as [_ I]. exact I. }
    assert (Fw' : forall x, (x <= F (PR P) (net w))%R ->
       (x <= F (PR P) (net v))%R \/ (x <= F (PR P) (net B))%R \/ bounded x (b ++ d ++ u')).
    { intros x X. destruct Fw as [Y|[Y|Y]]; [left; lra | right; left; lra|]. right. right.
      apply bounded_app_r, bounded_app_l. now apply (bounded_le X). }
    assert (later : on_path (net w) (map (fun kw => map_step (real s) (step_of (fst kw) (snd kw))) rest) q ->
       (F (PR P) q <= F (PR P) (net v))%R \/ (F (PR P) q <= F (PR P) (net B))%R \/ bounded (F (PR P) q) (b ++ d ++ u')).
    { intro HR. destruct (IH q HR) as [Y|[Y|Y]]; [now apply Fw' | right; now left | right; right; now apply bounded_app_r, bounded_app_r]. }
    assert (segment : forall t, within t -> (forall breaks, k <> Chord breaks) -> (forall f, k <> Rescale f) ->
       (F (PR P) (lerp_network t (net v) (net w)) <= F (PR P) (net v))%R \/ (F (PR P) (lerp_network t (net v) (net w)) <= F (PR P) (net B))%R \/
       bounded (F (PR P) (lerp_network t (net v) (net w))) (b ++ d ++ u')).
    { intros t W N N'. pose proof (convex_ok HP D SH W Q2 N N') as CV. destruct (lerp_between (F (PR P) (net v)) (F (PR P) (net w)) W) as [LB|LB].
      - left. now apply Rle_trans with (1 := CV).
      - apply Fw'. now apply Rle_trans with (1 := CV). }
    destruct k as [| hidden pairs | | breaks | f]; cbn [map fst snd step_of map_step on_path] in H.
    1-3: (destruct H as [(t & W & ->)|H]; [apply segment; [exact W | discriminate | discriminate] | now apply later]).
    + destruct H as [(t & W & ->)|H]; [|now apply later].
      right. right. apply bounded_app_l. unfold between in EB. destruct (cut_bound _ _ _ _ _ _) as [x|] eqn:EX; [|discriminate].
      injection EB as <-. exists x. split; [now left|].
      apply (cut_bound_ok s_pos e_pos G HP (embed_network_ok s_pos e_pos v) (embed_network_ok s_pos e_pos w) SH Q2 W EX).
    + unfold between in EB. destruct (chord_bound _ _ _ _ _) as [x|] eqn:EX; [|discriminate]. injection EB as <-.
      cbn [kindb] in Q2. destruct (rescaleb_ok Q2) as [SL FP]. pose proof (factors_real FP) as FR.
      assert (SC : same_shape (rescaled (map (real s) f) 1 (net v)) (net w)).
      { assert (S1 : same_shape (rescaled (map (real s) f) 1 (net v)) (net v)) by (apply scaled_same with (length f); [assumption | now rewrite !map_length ..]).
        apply (same_shape_trans S1 SH). }
      assert (over : forall t, within t -> bounded (F (PR P) (lerp_network t (rescaled (map (real s) f) 1 (net v)) (net w))) ([x] ++ d ++ u')).
      { intros t W. apply bounded_app_l. exists x. split; [now left|].
        apply (chord_bound_ok s_pos e_pos G HP W (irescaled_ok FP SL) (embed_network_ok s_pos e_pos w) SC EX). }
      destruct H as [(t & W & ->)|[(t & W & ->)|H]]; [|right; right; now apply over | now apply later].
      assert (CV := @curve_convex (PR P) (map (real s) f) t (length f) (net v) HP W FR SL ltac:(apply map_length)).
      destruct (lerp_between (F (PR P) (net v)) (F (PR P) (rescaled (map (real s) f) 1 (net v))) W) as [LB|LB].
      * left. now apply Rle_trans with (1 := CV).
      * right. right. apply bounded_le with (F (PR P) (lerp_network 0 (rescaled (map (real s) f) 1 (net v)) (net w))); [|apply over; unfold within; lra].
        rewrite lerp_network_0 by assumption. now apply Rle_trans with (1 := CV).
Qed.

(** *** Conditions on the numbers of a claim: [a], [b] enclose F at the ends *)
Definition at_most (x : Z) (bound : Z) : bool := x <=? Z.shiftl bound e.
Definition path_numbers (a b : itv) (u : list Z) (x : path_claim) : bool :=
  let all := hi a :: hi b :: u in
  let least := Z.min (lo a) (lo b) in
  (0 <=? sup x) && (0 <=? gap x) && (0 <=? gap_over_lower x) &&
  forallb (fun v => at_most v (sup x)) all &&
  forallb (fun v => at_most (v - Z.max (lo a) (lo b)) (gap x)) u &&
  forallb (fun v => at_most (v - least) (gap_over_lower x)) all &&
  match over_level x with
  | None => true
  | Some (level, over) => (0 <=? over) && forallb (fun v => at_most (v - Z.shiftl level e) over) all
  end.
Lemma shift_real z : (IZR (Z.shiftl z e) = real s z * S p)%R.
Proof. pose proof (embed_ok s_pos e_pos z) as [A B]. cbn [embed lo hi] in A, B. lra. Qed.
Lemma at_most_ok y v bound : (y * S p <= IZR v)%R -> at_most v bound = true -> (y <= real s bound)%R.
Proof.
  intros H E. apply Z.leb_le, IZR_le in E. rewrite shift_real in E. pose proof (S_pos (scale_pos s_pos e_pos)).
  apply Rmult_le_reg_r with (S p); lra.
Qed.

Definition keeps_head (A : network Z) (m : move) : bool :=
  forallb (fun y => negb (Nat.eqb (w_layer y) (length A - 1))) (writes m) && match kind_of m with Rescale _ => false | _ => true end.
Definition frozen_ok (x : path_claim) (A : network Z) (vs : list (network Z)) : bool :=
  negb (frozen x) || (forallb (fun w => layer_eqb (last w (Layer [] [])) (last A (Layer [] []))) vs && forallb (keeps_head A) (moves x)
                      && negb (in_balanced_form x) && match permutation x with None => true | Some _ => false end).
Definition form_fits (x : path_claim) (P : problem Z) : bool :=
  negb (in_balanced_form x) || match penalty_of P with WeightDecay => true | _ => false end.

Definition check_path_at (P : problem Z) (A B : network Z) (x : path_claim) : bool :=
  problemb s P A B && form_fits x P && permutation_fits (permutation x) B &&
  match vertices A (moves x) with
  | None => false
  | Some vs =>
      let c := context_of e P in
      let walked := context_of e (if in_balanced_form x then balanced P else P) in
      network_eqb (last vs A) (end_of 0 (permutation x) B) && frozen_ok x A vs &&
      match iF s e c (map_network (embed e) A), iF s e c (map_network (embed e) B), walk walked A (combine (map kind_of (moves x)) vs) with
      | Some a, Some b, Some u => path_numbers a b u x
      | _, _, _ => false
      end
  end.

Lemma vertices_length v m vs : vertices v m = Some vs -> length vs = length m.
Proof.
  revert v vs; induction m as [|x m IH]; intros v vs E; simpl in E; [now injection E as <-|].
  destruct (fold_left write_one (writes x) (Some v)) as [w|]; [|discriminate]. destruct (vertices w m) as [r|] eqn:R; [|discriminate].
  injection E as <-. simpl. now rewrite (IH _ _ R).
Qed.
Lemma snd_combine {X Y} (u : list X) (v : list Y) : length u = length v -> map snd (combine u v) = v.
Proof. revert v; induction u; destruct v; try discriminate; simpl; intro E; f_equal; auto. Qed.

Lemma last_net v : last (net v) empty_layer = map_layer (real s) (last v (Layer [] [])).
Proof. induction v as [|l v IH]; [reflexivity|]. destruct v; [reflexivity | exact IH]. Qed.
Lemma frozen_path A : forall vs v q, Forall (fun w => same_shape (net v) (net w)) vs -> last (net v) empty_layer = last (net A) empty_layer ->
  forallb (fun w => layer_eqb (last w (Layer [] [])) (last A (Layer [] []))) vs = true -> on_path (net v) (map (fun w => Segment (net w)) vs) q ->
  last q empty_layer = last (net A) empty_layer.
Proof.
  induction vs as [|w vs IH]; intros v q SH L E H; [simpl in H; now subst|]. simpl in E, H. apply andb_prop in E as [E1 E2].
  inversion_clear SH as [|? ? SW SR]. apply layer_eqb_eq in E1. assert (Lw : last (net w) empty_layer = last (net A) empty_layer) by (now rewrite !last_net, E1).
  destruct H as [(t & W & ->)|H]; [rewrite last_lerp by assumption; rewrite L, Lw; apply lerp_layer_same|].
  apply (IH w q); try assumption. eapply Forall_impl; [|exact SR]. intros z SZ. exact (same_shape_trans (same_shape_sym SW) SZ).
Qed.
Lemma walk_step c v k w rest u : walk c v ((k, w) :: rest) = Some u -> same_shapeb v w = true /\ kindb k (2 ^ s) v w = true /\ exists u', walk c w rest = Some u'.
Proof.
  intro E. simpl in E. destruct (same_shapeb v w && kindb k (2 ^ s) v w) eqn:Q; [|discriminate]. apply andb_prop in Q as [Q1 Q2]. repeat split; try assumption.
  destruct (walk c w rest) as [u'|]; [now exists u'|].
  destruct (match k with Chord _ => _ | _ => _ end); [|discriminate]. destruct (if _ || _ then _ else _) in E; discriminate.
Qed.
Lemma walk_shapes c steps : forall v u, walk c v steps = Some u -> Forall (fun w => same_shape (net v) (net w)) (map snd steps).
Proof.
  induction steps as [|[k w] rest IH]; intros v u E; simpl; [constructor|]. destruct (walk_step E) as (Q1 & _ & u' & EW).
  pose proof (same_shapeb_ok s Q1) as SW. constructor; [assumption|]. eapply Forall_impl; [|exact (IH w u' EW)]. intros z SZ. exact (same_shape_trans SW SZ).
Qed.
Lemma path_shapes c steps : forall v u q, walk c v steps = Some u ->
  on_path (net v) (map (fun kw => map_step (real s) (step_of (fst kw) (snd kw))) steps) q -> same_shape (net v) q.
Proof.
  induction steps as [|[k w] rest IH]; intros v u q E H; [simpl in H; subst; apply same_shape_refl|].
  destruct (walk_step E) as (Q1 & Q2 & u' & EW). pose proof (same_shapeb_ok s Q1) as SW.
  assert (later : on_path (net w) (map (fun kw => map_step (real s) (step_of (fst kw) (snd kw))) rest) q -> same_shape (net v) q).
  { intro HR. exact (same_shape_trans SW (IH w u' q EW HR)). }
  destruct k as [| hidden pairs | | breaks | f]; cbn [map fst snd step_of map_step on_path] in H.
  1-4: (destruct H as [(t & _ & ->)|H]; [now apply same_shape_lerp_l | now apply later]).
  cbn [kindb] in Q2. destruct (rescaleb_ok Q2) as [SL _].
  assert (SC : forall t, same_shape (net v) (rescaled (map (real s) f) t (net v))).
  { intro t. apply same_shape_sym, scaled_same with (length f); [assumption | now rewrite !map_length ..]. }
  destruct H as [(t & _ & ->)|[(t & _ & ->)|H]]; [apply SC | | now apply later].
  apply (same_shape_trans (SC 1%R)). apply same_shape_lerp_l. exact (same_shape_trans (same_shape_sym (SC 1%R)) SW).
Qed.

(** *** What the conditions on the problem say of its networks *)
Lemma problemb_shapes P A B : problemb s P A B = true -> (exists d, chains d A = true) /\ same_shape (net A) (net B) /\ A <> [].
Proof.
  intro E. unfold problemb in E. cbv zeta in E. do 5 (apply andb_prop in E as [E _]). apply andb_prop in E as [E SH]. apply andb_prop in E as [E CH]. apply andb_prop in E as [_ D].
  split; [eexists; exact CH|]. split; [now apply same_shapeb_ok|]. apply Nat.ltb_lt in D. destruct A; [simpl in D; lia | discriminate].
Qed.
Lemma chains_last d A : chains d A = true -> A <> [] -> weight (last (net A) empty_layer) <> [].
Proof.
  revert d. induction A as [|l A IH]; intros d C N; [easy|]. simpl in C. apply andb_prop in C as [C C4]. apply andb_prop in C as [C _]. apply andb_prop in C as [C _].
  destruct A as [|m A]; [|apply (IH _ C4); discriminate]. cbn [net map_network map last map_layer weight]. apply Nat.ltb_lt in C. destruct (weight l); [simpl in C; lia | discriminate].
Qed.
Lemma chains_shallow d A : chains d A = true -> length A = 2%nat -> exists n, shallow n (net A).
Proof.
  destruct A as [|l [|m [|? ?]]]; try discriminate. intros C _. exists (length (weight l)). simpl in C. apply andb_prop in C as [C C4]. apply andb_prop in C as [_ C3].
  apply andb_prop in C4 as [C4 _]. apply andb_prop in C4 as [C4 _]. apply andb_prop in C4 as [_ C4]. apply Nat.eqb_eq in C3. simpl. rewrite !map_length.
  split; [reflexivity|]. split; [assumption|]. rewrite forallb_forall in C4. apply Forall_forall. intros r I. apply in_map_iff in I as (q & <- & I). rewrite map_length. now apply Nat.eqb_eq, C4.
Qed.
Lemma pick_row i r : map (real s) (pick 0 i r) = pick 0%R i (map (real s) r).
Proof. unfold pick. rewrite map_map. apply map_ext. intro k. rewrite <- (map_nth (real s)). f_equal. apply real_0. Qed.
Lemma permuted_net ps : forall v inputs, net (permuted 0 inputs ps v) = permuted 0%R inputs ps (net v).
Proof.
  induction ps as [|q ps IH]; intros [|l v] inputs; try reflexivity; cbn [permuted map_network map].
  - f_equal. unfold map_layer. cbn [weight bias]. f_equal. destruct inputs; simpl; [|reflexivity]. rewrite !map_map. apply map_ext. intro r. apply pick_row.
  - fold (net (permuted 0 (Some q) ps v)). fold (net v). rewrite <- IH. f_equal. unfold map_layer. cbn [weight bias]. f_equal; [|apply pick_row].
    unfold pick. rewrite map_map. apply map_ext. intro k. rewrite <- (map_nth (map (real s))). f_equal. destruct inputs; simpl; [|reflexivity].
    rewrite !map_map. apply map_ext. intro r. apply pick_row.
Qed.
Lemma relabelsb_ok ps v : relabelsb ps v = true -> relabels ps (net v).
Proof.
  revert v. induction ps as [|q ps IH]; intros [|l v] E; try discriminate.
  - destruct v; [exact I | discriminate].
  - cbn [relabelsb] in E. apply andb_prop in E as [E E4]. apply andb_prop in E as [E E3]. apply andb_prop in E as [E1 E2].
    cbn [net map_network map relabels map_layer weight bias]. rewrite !map_length. apply Nat.eqb_eq in E2.
    split; [apply (permutationb_ok (f := Nat.eqb)) in E1; [exact E1 | intros a b; apply Nat.eqb_eq]|]. split; [assumption|]. split; [|now apply IH].
    destruct v as [|m v]; simpl; [constructor|]. simpl in E3. rewrite forallb_forall in E3. apply Forall_forall. intros r I. apply in_map_iff in I as (z & <- & I).
    rewrite map_length. now apply Nat.eqb_eq, E3.
Qed.
Lemma end_F P ps A B : problemb s P A B = true -> fits_depth (penalty_of P) (net A) -> permutation_fits ps B = true ->
  net (end_of 0 ps B) = end_of 0%R ps (net B) /\ F (PR P) (net (end_of 0 ps B)) = F (PR P) (net B).
Proof.
  intros E D PF. destruct ps as [ps|]; [|now split]. cbn [end_of permutation_fits] in *. rewrite permuted_net. split; [reflexivity|].
  destruct (problemb_shapes E) as ((d & CH) & SH & N). apply permuted_F; [now apply relabelsb_ok | exact (fits_depth_same SH D)|].
  intro Z. pose proof (same_rows_length (proj1 (same_last SH))) as L. rewrite Z in L. apply (chains_last CH N). now apply length_zero_iff_nil.
Qed.
Lemma balanced_real P : balanced (PR P) = PR (balanced P).
Proof. destruct P; reflexivity. Qed.
Lemma balanced_proper P : proper (PR P) -> proper (PR (balanced P)).
Proof. destruct P; exact (fun x => x). Qed.
Lemma last_map {X Y} (f : X -> Y) u d : last (map f u) (f d) = f (last u d).
Proof. induction u as [|x u IH]; [reflexivity|]. destruct u; [reflexivity | exact IH]. Qed.
Lemma steps_real ks (vs : list (network Z)) : map (map_step (real s)) (map2 step_of ks vs) = map (fun kw => map_step (real s) (step_of (fst kw) (snd kw))) (combine ks vs).
Proof. revert vs; induction ks; destruct vs; simpl; try reflexivity. now rewrite IHks. Qed.
Lemma steps_vertices ks (vs : list (network Z)) : length vs = length ks -> map vertex (map (map_step (real s)) (map2 step_of ks vs)) = map net vs.
Proof. revert vs; induction ks as [|k ks IH]; destruct vs; try discriminate; intro L; [reflexivity|]. simpl in *. rewrite IH by lia. f_equal. now destruct k. Qed.

(** Every point of the path, in its form, lies at or below an end or one of the bounds. *)
Lemma path_cases P A B x vs u : problemb s P A B = true -> form_fits x P = true -> permutation_fits (permutation x) B = true ->
  last vs A = end_of 0 (permutation x) B -> length vs = length (moves x) ->
  walk (context_of e (if in_balanced_form x then balanced P else P)) A (combine (map kind_of (moves x)) vs) = Some u ->
  let ss := map (map_step (real s)) (map2 step_of (map kind_of (moves x)) vs) in
  forall q, (if in_balanced_form x then on_balanced_path (net A) ss q else on_path (net A) ss q) ->
  (F (PR P) q <= F (PR P) (net A))%R \/ (F (PR P) q <= F (PR P) (net B))%R \/ bounded (F (PR P) q) u.
Proof.
  intros EP FF PF EL LV EW ss q H. destruct (problemb_ok s_pos EP) as (HP & G & D). destruct (end_F EP D PF) as [_ FE]. rewrite <- EL in FE.
  assert (SN : map snd (combine (map kind_of (moves x)) vs) = vs) by (apply snd_combine; now rewrite map_length).
  assert (LAST : last (map vertex ss) (net A) = net (last vs A)).
  { unfold ss. rewrite steps_vertices by (now rewrite map_length). apply (last_map net). }
  unfold ss in H, LAST. rewrite steps_real in H, LAST. unfold form_fits in FF. destruct (in_balanced_form x).
  2: { rewrite <- FE. apply (walk_ok HP G D EW (B := last vs A)); [now rewrite SN | exact H]. }
  assert (WD : penalty_of P = WeightDecay) by (destruct (penalty_of P); try discriminate; reflexivity).
  set (Q := balanced P) in *. assert (HQ : proper (PR Q)) by now apply balanced_proper. assert (GQ : good_shares Q) by exact G.
  assert (DQ : fits_depth (penalty_of Q) (net A)) by (unfold Q; cbn [balanced penalty_of]; rewrite WD in *; exact D).
  destruct (problemb_shapes EP) as ((d & CH) & SH & N). assert (L2 : length A = 2%nat) by (rewrite WD in D; simpl in D; unfold map_network in D; now rewrite map_length in D).
  destruct (chains_shallow CH L2) as (n & SA). pose proof (chains_last CH N) as NA.
  assert (facts : forall v, same_shape (net A) v -> exists l m, v = [l; m] /\ shallow n [l; m] /\ weight m <> []).
  { intros v SV. destruct A as [|lA [|mA [|? ?]]]; try discriminate. cbn [map_network map] in *.
    destruct v as [|l v]; [inversion SV|]. inversion_clear SV as [|? ? ? ? LA SR]. destruct v as [|m v]; [inversion SR|]. inversion_clear SR as [|? ? ? ? LM SR'].
    destruct v; [|inversion SR']. destruct LA as [A1 A2]. destruct LM as [C1 C2].
    exists l, m. split; [reflexivity|]. destruct SA as (S1 & S2 & S3). split.
    - simpl. split; [rewrite <- (same_rows_length A1); exact S1|]. split; [congruence|]. clear - C1 S3. cbn [map_layer weight] in *. revert S3 C1.
      generalize (map (map (real s)) (weight mA)). intros Z S3 C1. induction C1; constructor; inversion_clear S3; [congruence | auto].
    - intro Z. apply NA. cbn [net map_network map last]. apply same_rows_length in C1. rewrite Z in C1. now apply length_zero_iff_nil. }
  assert (SB : same_shape (net A) (net (last vs A))).
  { pose proof (walk_shapes EW) as WS. rewrite SN in WS. clear - WS. destruct vs as [|v vs]; [apply same_shape_refl|]. rewrite Forall_forall in WS. apply WS.
    clear. revert v. induction vs as [|w vs IH]; intro v; [now left|]. right. apply (IH w). }
  assert (decay : penalty_of (PR P) = WeightDecay) by exact WD.
  assert (on_curve : forall v t, same_shape (net A) v -> within t -> (F (PR P) (balancing_curve t v) <= F (PR P) v)%R).
  { intros v t SV W. destruct (facts v SV) as (l & m & -> & SL & NM). now apply balancing_curve_F with n. }
  assert (below : forall v, same_shape (net A) v -> (F (PR Q) v <= F (PR P) v)%R).
  { intros v SV. destruct (facts v SV) as (l & m & -> & SL & NM). unfold Q. rewrite <- balanced_real. now apply balanced_F_below with n. }
  destruct H as [(t & W & ->)|[(p0 & H & ->)|(t & W & ->)]].
  - left. apply on_curve; [apply same_shape_refl | exact W].
  - pose proof (path_shapes EW H) as SP. destruct (facts p0 SP) as (l & m & E0 & SL & NM).
    assert (FB : F (PR P) (balance p0) = F (PR Q) p0) by (rewrite E0; unfold Q; rewrite <- balanced_real; now apply balance_F with n).
    rewrite FB. destruct (walk_ok HQ GQ DQ EW (B := last vs A) ltac:(now rewrite SN) H) as [C|[C|C]].
    + left. apply Rle_trans with (1 := C). apply below, same_shape_refl.
    + right. left. rewrite <- FE. apply Rle_trans with (1 := C). now apply below.
    + now right; right.
  - right. left. rewrite <- FE, <- LAST. apply on_curve; [rewrite LAST; exact SB | exact W].
Qed.

Theorem check_path_sound P A B x : check_path_at P A B x = true -> exists ss, steps A (moves x) = Some ss /\
  path_upper_bound (PR P) (net A) (net B) (permutation x) (in_balanced_form x) (map (map_step (real s)) ss)
    (real s (sup x)) (real s (gap x)) (real s (gap_over_lower x))
    (option_map (fun lo => (real s (fst lo), real s (snd lo))) (over_level x)) (frozen x).
Proof.
  intro E. unfold check_path_at in E. apply andb_prop in E as [E0 E]. apply andb_prop in E0 as [E0 PF]. apply andb_prop in E0 as [E0 FF].
  destruct (problemb_ok s_pos E0) as (HP & G & D). unfold steps.
  destruct (vertices A (moves x)) as [vs|] eqn:EV; [|discriminate]. exists (map2 step_of (map kind_of (moves x)) vs). split; [reflexivity|].
  cbv zeta in E. apply andb_prop in E as [E E3]. apply andb_prop in E as [E1 E2]. apply network_eqb_eq in E1.
  destruct (iF _ _ _ (map_network (embed e) A)) as [a|] eqn:EA; [|discriminate].
  destruct (iF _ _ _ (map_network (embed e) B)) as [b|] eqn:EB; [|discriminate].
  destruct (walk _ _ _) as [u|] eqn:EW; [|discriminate].
  pose proof (iF_ok s_pos e_pos G (embed_network_ok s_pos e_pos A) EA) as [A1 A2].
  pose proof (iF_ok s_pos e_pos G (embed_network_ok s_pos e_pos B) EB) as [B1 B2].
  pose proof (vertices_length EV) as LV.
  unfold path_numbers in E3. cbv zeta in E3.
  apply andb_prop in E3 as [E3 N7]. apply andb_prop in E3 as [E3 N6]. apply andb_prop in E3 as [E3 N5]. apply andb_prop in E3 as [E3 N4].
  apply andb_prop in E3 as [E3 N3]. apply andb_prop in E3 as [N1 N2].
  rewrite forallb_forall in N4, N5, N6.
  pose proof (S_pos (scale_pos s_pos e_pos)) as s0.
  unfold path_upper_bound. split.
  { destruct (permutation x) as [ps|]; [|exact I]. apply relabels_permutations. now apply relabelsb_ok. }
  split.
  { rewrite steps_vertices by (now rewrite map_length). rewrite (last_map net), E1. apply (end_F E0 D PF). }
  intros q H. pose proof (path_cases E0 FF PF E1 LV EW H) as cases.
  set (fA := F (PR P) (net A)) in *. set (fB := F (PR P) (net B)) in *.
  assert (top : exists v, In v (hi a :: hi b :: u) /\ (F (PR P) q * S p <= IZR v)%R).
  { destruct cases as [C|[C|(v & I & C)]].
    - exists (hi a). split; [now left|]. apply Rle_trans with (fA * S p)%R; [apply Rmult_le_compat_r; lra | assumption].
    - exists (hi b). split; [right; now left|]. apply Rle_trans with (fB * S p)%R; [apply Rmult_le_compat_r; lra | assumption].
    - exists v. split; [right; now right | assumption]. }
  destruct top as (v & I & V).
  split; [|split; [|split; [|split]]].
  - apply (at_most_ok V). now apply N4.
  - assert (G0 : (0 <= real s (gap x))%R) by (rewrite <- (real_0 s); apply real_le; [assumption | now apply Z.leb_le]).
    destruct cases as [C|[C|(w & J & C)]].
    + pose proof (Rmax_l fA fB). lra.
    + pose proof (Rmax_r fA fB). lra.
    + apply at_most_ok with (w - Z.max (lo a) (lo b)); [|now apply N5]. rewrite minus_IZR.
      assert (IZR (Z.max (lo a) (lo b)) <= Rmax fA fB * S p)%R; [|lra].
      pose proof (Rmax_l fA fB). pose proof (Rmax_r fA fB).
      destruct (Z.max_spec (lo a) (lo b)) as [[_ ->]|[_ ->]].
      * apply Rle_trans with (fB * S p)%R; [assumption | apply Rmult_le_compat_r; lra].
      * apply Rle_trans with (fA * S p)%R; [assumption | apply Rmult_le_compat_r; lra].
  - apply at_most_ok with (v - Z.min (lo a) (lo b)); [|now apply N6]. rewrite minus_IZR.
    assert (IZR (Z.min (lo a) (lo b)) <= Rmin fA fB * S p)%R; [|lra].
    pose proof (IZR_le _ _ (Z.le_min_l (lo a) (lo b))). pose proof (IZR_le _ _ (Z.le_min_r (lo a) (lo b))).
    unfold Rmin; destruct (Rle_dec fA fB); lra.
  - destruct (over_level x) as [[level over]|]; simpl; [|constructor]. apply andb_prop in N7 as [_ N7]. rewrite forallb_forall in N7.
    apply at_most_ok with (v - Z.shiftl level e); [|now apply N7]. rewrite minus_IZR, shift_real. lra.
  - intro FR. unfold frozen_ok in E2. rewrite FR in E2. cbn [negb orb] in E2. apply andb_prop in E2 as [E2 _]. apply andb_prop in E2 as [E2 NB]. apply andb_prop in E2 as [E2 NR].
    apply negb_true_iff in NB. rewrite NB in H.
    apply (frozen_path (vs := vs) (v := A)); try assumption; [|reflexivity|].
    + pose proof (walk_shapes EW) as WS. rewrite snd_combine in WS by (now rewrite map_length). exact WS.
    + replace (map (fun w => Segment (net w)) vs) with (map (map_step (real s)) (map2 step_of (map kind_of (moves x)) vs)); [exact H|].
      clear - NR LV. revert LV NR. generalize (moves x). induction vs as [|v vs IH]; intros [|m ms] LV NR; try discriminate; [reflexivity|].
      simpl in *. apply andb_prop in NR as [NR NR']. apply andb_prop in NR as [_ NR]. rewrite IH by (assumption || lia). f_equal. destruct (kind_of m); try reflexivity. discriminate.
Qed.

(** *** endpoint_value: losses and penalties are at least 0, which a ball around 0 does not know *)
Definition check_endpoint_at (P : problem Z) (A B : network Z) (of_A : bool) (lower upper : Z) : bool :=
  problemb s P A B && (0 <=? lower) && (lower <=? upper) &&
  match iF s e (context_of e P) (map_network (embed e) (if of_A then A else B)) with
  | Some f => ((lower =? 0) || (Z.shiftl lower e <=? lo f)) && at_most (hi f) upper
  | None => false
  end.

Lemma sum_nonneg u : Forall (fun x => (0 <= x)%R) u -> (0 <= sum u)%R.
Proof. induction 1; [apply Rle_refl|]. rewrite sum_cons. lra. Qed.
Lemma map2_nonneg {X Y} (g : X -> Y -> R) u v : (forall x y, (0 <= g x y)%R) -> (0 <= sum (map2 g u v))%R.
Proof. intro H. apply sum_nonneg. revert v; induction u; destruct v; simpl; constructor; auto. Qed.
Lemma map_nonneg {X} (g : X -> R) u : (forall x, (0 <= g x)%R) -> (0 <= sum (map g u))%R.
Proof. intro H. apply sum_nonneg. induction u; simpl; constructor; auto. Qed.
Lemma exp_le_sum k f : (k < length f)%nat -> (exp (nth k f 0) <= sum (map exp f))%R.
Proof.
  revert k; induction f as [|x f IH]; intros k L; simpl in *; [lia|]. rewrite sum_cons. pose proof (exp_pos x).
  destruct k; [pose proof (sum_exp_nonneg f); lra|]. specialize (IH k ltac:(lia)). lra.
Qed.
Lemma loss_nonneg o y k f : proper_loss o -> (o = CrossEntropy -> (k < length f)%nat) -> (0 <= loss_value o y k f)%R.
Proof.
  intros H L. destruct o; simpl.
  - apply map2_nonneg. intros a b. rewrite <- ln_1. apply ln_le'; [lra|]. pose proof (exp_pos (- (a * b))). lra.
  - apply map2_nonneg. intros a b. apply Rmax_l.
  - pose proof (exp_le_sum (L eq_refl)) as E. apply ln_le' in E; [|apply exp_pos]. rewrite ln_exp in E. lra.
  - apply map2_nonneg. intros a b. apply Rle_0_sqr.
  - apply map2_nonneg. intros a b. apply Rabs_pos.
  - apply map2_nonneg. intros a b. pose proof (@huber_above delta (b - a) 0 H) as E. simpl in H. lra.
Qed.
Lemma norm1_nonneg u : (0 <= norm1 u)%R.
Proof. apply map_nonneg. apply Rabs_pos. Qed.
Lemma dot_nonneg u v : Forall (fun x => (0 <= x)%R) u -> Forall (fun x => (0 <= x)%R) v -> (0 <= dot u v)%R.
Proof.
  intros H; revert v; induction H; intros v V; [rewrite dot_nil_l; lra|]. destruct V; [rewrite dot_nil_r; lra|]. rewrite dot_cons.
  specialize (IHForall _ V). assert (0 <= x * x0)%R by now apply Rmult_le_pos. lra.
Qed.
Lemma penalty_nonneg q priced v : (0 <= penalty_value q priced v)%R.
Proof.
  assert (B : (0 <= bias_price priced v)%R) by (unfold bias_price; destruct priced; [apply norm1_nonneg | lra]).
  destruct q; simpl; try lra.
  - pose proof (map_nonneg (weight (last v empty_layer)) norm1_nonneg). lra.
  - pose proof (dot_nonneg (norms_nonneg (extended_rows (hd empty_layer v))) (column_norms1_nonneg (weight (last v empty_layer)))). lra.
  - pose proof (map_nonneg (extended_rows (hd empty_layer v)) dot_self_nonneg). pose proof (map_nonneg (weight (last v empty_layer)) dot_self_nonneg). lra.
  - apply dot_nonneg; apply norms_nonneg.
Qed.
Lemma outputs_length a v x : v <> [] -> length (outputs a v x) = Nat.min (length (weight (last v empty_layer))) (length (bias (last v empty_layer))).
Proof.
  revert x; induction v as [|l v IH]; intros x N; [easy|]. destruct v as [|m v]; [apply map2_length|]. now apply IH.
Qed.
Lemma F_at_least_0 Q w K : proper Q -> w <> [] ->
  Nat.min (length (weight (last w empty_layer))) (length (bias (last w empty_layer))) = K ->
  (loss_of Q = CrossEntropy -> forall j, In j (samples Q) -> (label j < K)%nat) -> (0 <= F Q w)%R.
Proof.
  intros (_ & HL & K0 & S1 & S2) N L LABELS. unfold F.
  assert (M : (0 <= mean (map (@share R) (samples Q)) (map (sample_loss Q w) (samples Q)))%R).
  { unfold mean, Rdiv. apply Rmult_le_pos; [|left; now apply Rinv_0_lt_compat]. apply dot_nonneg; [assumption|].
    apply Forall_forall. intros z I. apply in_map_iff in I as (j & <- & I).
    unfold sample_loss. apply loss_nonneg; [assumption|]. intro CE. rewrite outputs_length by assumption. rewrite L. now apply LABELS. }
  pose proof (penalty_nonneg (penalty_of Q) (bias_priced Q) w).
  assert (0 <= kappa Q * penalty_value (penalty_of Q) (bias_priced Q) w)%R by now apply Rmult_le_pos. lra.
Qed.
Lemma F_nonneg P A B v : problemb s P A B = true -> v = A \/ v = B -> (0 <= F (PR P) (net v))%R.
Proof.
  intros E V. destruct (problemb_ok s_pos E) as (HP & G & _).
  assert (widths : v <> [] /\ Nat.min (length (weight (last (net v) empty_layer))) (length (bias (last (net v) empty_layer))) = outputs_of A /\
                   forall j, In j (samples P) -> loss_of P = CrossEntropy -> (label j < outputs_of A)%nat).
  { unfold problemb in E. cbv zeta in E. apply andb_prop in E as [E _]. apply andb_prop in E as [E J]. apply andb_prop in E as [E _]. apply andb_prop in E as [E _].
    apply andb_prop in E as [E _]. apply andb_prop in E as [E SH]. apply andb_prop in E as [E CH]. apply andb_prop in E as [_ D].
    apply Nat.ltb_lt in D. pose proof (same_last (same_shapeb_ok s SH)) as [SW SB]. pose proof (same_shapeb_ok s SH) as SS.
    assert (LA : Nat.min (length (weight (last (net A) empty_layer))) (length (bias (last (net A) empty_layer))) = outputs_of A).
    { rewrite last_net. simpl. rewrite !map_length. unfold outputs_of. clear - CH D. revert D CH. generalize (length (match samples P with [] => [] | j :: _ => input j end)).
      intros n D. assert (N : A <> []) by (destruct A; [simpl in D; lia | discriminate]). clear D. revert n N. induction A as [|l A' IH]; intros n N CH; [easy|].
      simpl in CH. apply andb_prop in CH as [CH C2]. apply andb_prop in CH as [_ C1]. apply Nat.eqb_eq in C1.
      destruct A' as [|m A']; [simpl; lia|]. apply (IH _ ltac:(discriminate) C2). }
    assert (NA : A <> []) by (destruct A; [simpl in D; lia | discriminate]).
    split; [|split].
    - destruct V as [-> | ->]; [assumption|]. intros ->. destruct A; [easy|]. inversion SS.
    - destruct V as [-> | ->]; [assumption|]. rewrite <- LA, SB, (same_rows_length SW). reflexivity.
    - intros j I CE. rewrite forallb_forall in J. specialize (J j I). rewrite CE in J. apply andb_prop in J as [J _]. apply andb_prop in J as [_ J].
      simpl in J. apply andb_prop in J as [J _]. apply andb_prop in J as [_ J]. now apply Nat.ltb_lt. }
  destruct widths as (NV & LV & LABELS). apply (F_at_least_0 HP (w := net v) (K := outputs_of A)); [destruct v; easy | assumption|].
  intros CE j I. simpl in I. apply in_map_iff in I as (i & <- & I). simpl. apply LABELS; [assumption|].
  simpl in CE. destruct (loss_of P); try discriminate. reflexivity.
Qed.
Theorem check_endpoint_sound P A B of_A lower upper : check_endpoint_at P A B of_A lower upper = true ->
  endpoint_value (PR P) (net (if of_A then A else B)) (real s lower) (real s upper).
Proof.
  intro E. unfold check_endpoint_at in E. apply andb_prop in E as [E E2]. apply andb_prop in E as [E _]. apply andb_prop in E as [E0 _].
  destruct (problemb_ok s_pos E0) as (HP & G & _). destruct (iF _ _ _ _) as [f|] eqn:EF; [|discriminate].
  pose proof (iF_ok s_pos e_pos G (embed_network_ok s_pos e_pos (if of_A then A else B)) EF) as [L U].
  apply andb_prop in E2 as [E2 E3]. pose proof (S_pos (scale_pos s_pos e_pos)) as s0. split; [|now apply (at_most_ok U)].
  apply orb_prop in E2 as [E2|E2].
  - apply Z.eqb_eq in E2 as ->. rewrite real_0. apply F_nonneg with A B; [assumption | destruct of_A; auto].
  - apply Z.leb_le, IZR_le in E2. rewrite shift_real in E2. apply Rmult_le_reg_r with (S p); lra.
Qed.
End Path.

(** ** The checker that is run: at two precisions, the second exact for products of five stored numbers *)
Definition precisions (s : Z) : list Z := [64; 5 * s + 64].
Definition check_endpoint (s : Z) (P : problem Z) (A B : network Z) (of_A : bool) (lower upper : Z) : bool :=
  (0 <=? s) && existsb (fun e => check_endpoint_at s e P A B of_A lower upper) (precisions s).
Definition check_path (s : Z) (P : problem Z) (A B : network Z) (x : path_claim) : bool :=
  (0 <=? s) && existsb (fun e => check_path_at s e P A B x) (precisions s).

Lemma precisions_pos s e : 0 <= s -> In e (precisions s) -> 0 <= e.
Proof. intros H [<-|[<-|[]]]; lia. Qed.

(** The main theorems: what is accepted is true, as Spec.v states it. *)
Theorem endpoint_value_checked s P A B of_A lower upper : check_endpoint s P A B of_A lower upper = true ->
  endpoint_value (map_problem (real s) P) (map_network (real s) (if of_A then A else B)) (real s lower) (real s upper).
Proof.
  intro E. apply andb_prop in E as [S E]. apply Z.leb_le in S. apply existsb_exists in E as (e & I & E).
  apply (check_endpoint_sound S (precisions_pos S I) E).
Qed.
Theorem path_upper_bound_checked s P A B x : check_path s P A B x = true -> exists ss, steps A (moves x) = Some ss /\
  path_upper_bound (map_problem (real s) P) (map_network (real s) A) (map_network (real s) B) (permutation x) (in_balanced_form x)
    (map (map_step (real s)) ss) (real s (sup x)) (real s (gap x)) (real s (gap_over_lower x))
    (option_map (fun lo => (real s (fst lo), real s (snd lo))) (over_level x)) (frozen x).
Proof.
  intro E. apply andb_prop in E as [S E]. apply Z.leb_le in S. apply existsb_exists in E as (e & I & E).
  apply (check_path_sound S (precisions_pos S I) E).
Qed.
