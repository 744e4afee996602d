(** * Hidden neurons in another order: the same outputs and the same F *)
From Coq Require Import Reals List ZArith Bool Lia Lra Permutation.
From Proofs Require Import Spec Convex Moves.
Import ListNotations.
Set Implicit Arguments.
Unset Strict Implicit.
Open Scope R_scope.

Definition names_all (p : list nat) (n : nat) : Prop := Permutation p (seq 0 n).
Lemma names_in p n i : names_all p n -> In i p -> (i < n)%nat.
Proof. intros H I. apply (Permutation_in _ H), in_seq in I. lia. Qed.
Lemma map2_both {A B C D} (f : B -> C -> D) (g : A -> B) (h : A -> C) p : map2 f (map g p) (map h p) = map (fun i => f (g i) (h i)) p.
Proof. induction p; simpl; [reflexivity|]. now rewrite IHp. Qed.
Lemma nth_map2 {A B C} (f : A -> B -> C) u v i a b c : (i < length u)%nat -> (i < length v)%nat -> nth i (map2 f u v) c = f (nth i u a) (nth i v b).
Proof. revert v i; induction u; intros [|y v] [|i] A0 B0; simpl in *; try lia; [reflexivity|]. apply IHu; lia. Qed.
Lemma nth_map {A B} (f : A -> B) u i a b : (i < length u)%nat -> nth i (map f u) b = f (nth i u a).
Proof. revert i; induction u; intros [|i] H; simpl in *; try lia; [reflexivity|]. apply IHu. lia. Qed.
Lemma map_nth_seq {A} (d : A) u : map (fun i => nth i u d) (seq 0 (length u)) = u.
Proof.
  induction u as [|x u IH]; [reflexivity|]. simpl. f_equal. rewrite <- seq_shift, map_map. exact IH.
Qed.
Lemma pick_permutation {A} (d : A) p u : names_all p (length u) -> Permutation (pick d p u) u.
Proof. intro H. transitivity (map (fun i => nth i u d) (seq 0 (length u))); [now apply Permutation_map | now rewrite map_nth_seq]. Qed.
Lemma pick_length {A} (d : A) p u : length (pick d p u) = length p. Proof. apply map_length. Qed.
Lemma names_length p n : names_all p n -> length p = n.
Proof. intro H. apply Permutation_length in H. now rewrite seq_length in H. Qed.
Lemma pick_map {A B} (f : A -> B) a b p u : names_all p (length u) -> pick b p (map f u) = map f (pick a p u).
Proof. intro H. unfold pick. rewrite map_map. apply map_ext_in. intros i I. apply nth_map. now apply (names_in H). Qed.
Lemma pick_map2 {A B C} (f : A -> B -> C) a b c p u v : length u = length v -> names_all p (length u) ->
  map2 f (pick a p u) (pick b p v) = pick c p (map2 f u v).
Proof.
  intros L H. unfold pick. rewrite map2_both. apply map_ext_in. intros i I. pose proof (names_in H I). symmetry. apply nth_map2; lia.
Qed.
Lemma dot_pick p r h : length r = length h -> names_all p (length r) -> dot (pick 0 p r) (pick 0 p h) = dot r h.
Proof.
  intros L H. unfold dot. rewrite (pick_map2 Rmult 0 0 0 L H). apply sum_permutation, pick_permutation. rewrite map2_length. now replace (Nat.min _ _) with (length r) by lia.
Qed.

(** Permutations that fit the hidden layers. *)
Fixpoint relabels (ps : list (list nat)) (net : network R) : Prop :=
  match ps, net with
  | [], [_] => True
  | p :: ps', l :: rest => names_all p (length (weight l)) /\ length (bias l) = length (weight l) /\
      Forall (fun r => length r = length (weight l)) (weight (hd empty_layer rest)) /\ relabels ps' rest
  | _, _ => False
  end.
Lemma relabels_permutations ps net : relabels ps net -> permutations (Some ps) net.
Proof.
  unfold permutations. revert ps. induction net as [|l net IH]; intros ps H; [destruct ps; contradiction|]. destruct ps as [|p ps].
  - destruct net; [constructor | contradiction].
  - destruct H as (HP & _ & _ & HN). destruct net as [|m net]; [destruct ps; contradiction|]. constructor; [exact HP | exact (IH ps HN)].
Qed.
Definition aligned (inputs : option (list nat)) (h h' : list R) (W : list (list R)) : Prop :=
  match inputs with
  | None => h' = h
  | Some q => names_all q (length h) /\ h' = pick 0 q h /\ Forall (fun r => length r = length h) W
  end.
Lemma aligned_affine inputs h h' W b : aligned inputs h h' W -> affine (Layer (pick_columns 0 inputs W) b) h' = affine (Layer W b) h.
Proof.
  destruct inputs as [q|]; [|now intros ->]. intros (Q & -> & H). unfold affine; simpl. revert b.
  induction H as [|r W L H IH]; intros [|x b]; simpl; try reflexivity. rewrite IH. f_equal. f_equal. apply dot_pick; [assumption | now rewrite L].
Qed.
Theorem permuted_outputs a ps net : relabels ps net -> forall inputs h h', aligned inputs h h' (weight (hd empty_layer net)) ->
  outputs a (permuted 0 inputs ps net) h' = outputs a net h.
Proof.
  revert ps. induction net as [|l net IH]; intros ps H inputs h h' A; [destruct ps; contradiction|]. destruct l as [W b].
  destruct ps as [|p ps].
  - destruct net as [|? ?]; [|contradiction]. cbn [permuted outputs]. now apply aligned_affine.
  - destruct H as (HP & HB & HR & HN). cbn [weight bias] in *. cbn [permuted].
    destruct net as [|m net]; [destruct ps; contradiction|].
    assert (N : permuted 0 (Some p) ps (m :: net) <> []) by (destruct ps; discriminate).
    rewrite !outputs_next by (discriminate || assumption). apply (IH ps HN).
    assert (LA : length (affine (Layer W b) h) = length W) by (unfold affine; rewrite map2_length; simpl; lia).
    unfold aligned. rewrite map_length, LA. split; [assumption|]. split; [|assumption].
    rewrite (pick_map (sigma a) 0 0) by (now rewrite LA). f_equal. cbn [weight bias].
    cbn [hd weight] in A. rewrite <- (aligned_affine b A). unfold affine. cbn [weight bias].
    assert (LP : length (pick_columns 0 inputs W) = length W) by (destruct inputs; simpl; [apply map_length | reflexivity]).
    apply pick_map2; rewrite LP; [now symmetry | assumption].
Qed.

(** ** Penalties *)
Lemma permuted_last ps net : relabels ps net -> forall inputs, exists q,
  last (permuted 0 inputs ps net) empty_layer = Layer (pick_columns 0 q (weight (last net empty_layer))) (bias (last net empty_layer)) /\
  (q = inputs /\ ps = [] \/ exists p, q = Some p /\ Forall (fun r => names_all p (length r)) (weight (last net empty_layer))).
Proof.
  revert ps. induction net as [|l net IH]; intros ps H inputs; [destruct ps; contradiction|]. destruct ps as [|p ps].
  - destruct net; [|contradiction]. exists inputs. split; [reflexivity | now left].
  - destruct H as (HP & HB & HR & HN). destruct net as [|m net]; [destruct ps; contradiction|].
    destruct (IH ps HN (Some p)) as (q & E & C). exists q. split.
    + cbn [permuted]. assert (N : permuted 0 (Some p) ps (m :: net) <> []) by (destruct ps; discriminate).
      destruct (permuted 0 (Some p) ps (m :: net)); [easy | exact E].
    + right. destruct C as [[-> ->]|C]; [|exact C]. exists p. split; [reflexivity|]. destruct net; [|contradiction]. cbn [last hd] in *.
      eapply Forall_impl; [|exact HR]. intros r L. simpl in L. now rewrite L.
Qed.
Lemma norm1_pick p r : names_all p (length r) -> norm1 (pick 0 p r) = norm1 r.
Proof. intro H. unfold norm1. apply sum_permutation, Permutation_map. now apply pick_permutation. Qed.
Lemma attach_pick_nil p (r : list R) : names_all p (length r) -> attach (pick 0 p r) [] = pick [] p (attach r []).
Proof.
  intro H. unfold pick. transitivity (map (fun i => [nth i r 0]) p).
  - clear H. induction p as [|i p IH]; simpl; [reflexivity|]. now rewrite IH.
  - apply map_ext_in. intros i I. pose proof (names_in H I) as B. clear - B. revert i B.
    induction r as [|x r IH]; intros [|i] B; simpl in *; try lia; [reflexivity|]. apply IH. lia.
Qed.
Lemma attach_pick p (r : list R) C : names_all p (length r) -> length C = length r -> attach (pick 0 p r) (pick [] p C) = pick [] p (attach r C).
Proof.
  intros H L. unfold pick. transitivity (map (fun i => nth i r 0 :: nth i C []) p).
  - clear H. induction p as [|i p IH]; simpl; [reflexivity|]. now rewrite IH.
  - apply map_ext_in. intros i I. pose proof (names_in H I) as B. clear - B L. revert i C B L.
    induction r as [|x r IH]; intros [|i] [|c C] B L; simpl in *; try lia; [reflexivity|]. apply IH; lia.
Qed.
Lemma columns_pick p n W : names_all p n -> Forall (fun r => length r = n) W -> W <> [] -> columns (map (pick 0 p) W) = pick [] p (columns W).
Proof.
  intros P H. induction H as [|r W L H IH]; intro N; [easy|]. simpl. fold (columns W). fold (columns (map (pick 0 p) W)).
  destruct W as [|q W]; [apply attach_pick_nil; now rewrite L|]. rewrite IH by discriminate. apply attach_pick; [now rewrite L|].
  destruct (columns_length H) as [E|E]; [discriminate | congruence].
Qed.
Theorem permuted_penalty q priced ps net : relabels ps net -> fits_depth q net -> weight (last net empty_layer) <> [] ->
  penalty_value q priced (permuted 0 None ps net) = penalty_value q priced net.
Proof.
  intros H D N.
  assert (LAST : bias (last (permuted 0 None ps net) empty_layer) = bias (last net empty_layer) /\
                 sum (map norm1 (weight (last (permuted 0 None ps net) empty_layer))) = sum (map norm1 (weight (last net empty_layer)))).
  { destruct (permuted_last H None) as (i & -> & C). simpl. split; [reflexivity|]. destruct C as [[-> _]|(p & -> & C)]; [reflexivity|]. cbn [pick_columns].
    apply (f_equal sum). clear - C. induction C as [|r W P C IH]; simpl; [reflexivity|]. now rewrite IH, norm1_pick. }
  destruct LAST as [LB LN].
  assert (two : match q with PathNorm | WeightDecay | Balanced => True | _ => False end -> exists l m p, net = [l; m] /\ ps = [p]).
  { intro Q. assert (L : length net = 2%nat) by (destruct q; try contradiction; exact D). destruct net as [|l [|m [|? ?]]]; try discriminate.
    destruct ps as [|p [|p2 ps]]; [contradiction | now exists l, m, p | simpl in H; destruct ps; tauto]. }
  destruct q; cbn [penalty_value]; unfold bias_price; rewrite ?LB, ?LN; try reflexivity;
    destruct (two I) as (l & m & p & -> & ->); destruct H as (HP & HB & HR & _); cbn [permuted hd last weight bias pick_columns] in *;
    destruct l as [W b]; cbn [weight bias] in *; unfold extended_rows; cbn [weight bias];
    rewrite (pick_map2 cons 0 [] []) by (rewrite HB; trivial); set (E := map2 cons b W) in *;
    (assert (LE : length E = length W) by (unfold E; rewrite map2_length; lia)).
  - f_equal. rewrite <- (pick_map norm [] 0) by (now rewrite LE).
    assert (R1 : Forall (fun r => length r = length (pick 0 p (map norm E))) (map (pick 0 p) (weight m))).
    { apply Forall_forall. intros r I. apply in_map_iff in I as (y & <- & _). now rewrite !pick_length. }
    assert (R2 : Forall (fun r => length r = length (map norm E)) (weight m)).
    { eapply Forall_impl; [|exact HR]. intros r L. simpl in L. now rewrite map_length, LE. }
    rewrite (proj1 (column_norms1_dot R1)), (proj1 (column_norms1_dot R2)), map_map. f_equal. apply map_ext_in. intros r I.
    rewrite Forall_forall in HR. specialize (HR r I). rewrite <- (pick_map Rabs 0 0) by (now rewrite HR).
    apply dot_pick; rewrite !map_length; [congruence | now rewrite LE].
  - f_equal. f_equal.
    + apply sum_permutation, Permutation_map, pick_permutation. now rewrite LE.
    + rewrite map_map. f_equal. apply map_ext_in. intros r I. rewrite Forall_forall in HR. specialize (HR r I). apply dot_pick; [reflexivity | now rewrite HR].
  - rewrite (columns_pick HP HR N). rewrite <- !(pick_map norm [] 0).
    + destruct (columns_length HR) as [E0|E0]; [now elim N|]. apply dot_pick; rewrite !map_length; [congruence | now rewrite LE].
    + destruct (columns_length HR) as [E0|E0]; [now elim N | now rewrite E0].
    + now rewrite LE.
Qed.
Theorem permuted_F P ps net : relabels ps net -> fits_depth (penalty_of P) net -> weight (last net empty_layer) <> [] -> F P (permuted 0 None ps net) = F P net.
Proof.
  intros H D N. unfold F. rewrite permuted_penalty by assumption. do 2 f_equal. apply map_ext. intro j. unfold sample_loss. f_equal. now apply permuted_outputs.
Qed.
