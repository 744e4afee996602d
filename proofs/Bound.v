(** * An upper bound of F on a straight segment, by the chord lemma *)
From Coq Require Import Reals List ZArith Bool Lia Lra.
From Proofs Require Import Spec Convex Moves Fixed Eval Chord.
Import ListNotations.
Set Implicit Arguments.
Unset Strict Implicit.
Open Scope Z_scope.

Section Bound.
Variables s e : Z.
Hypothesis s_pos : 0 <= s.
Hypothesis e_pos : 0 <= e.
Notation p := (scale s e).
Notation contains := (contains p).
Notation holds := (Forall2 contains).

Definition iproduct_excess (a a' b b' : list itv) : itv :=
  isum (map2 (fun da db => half (half (imax zero (opp (mul p da db))))) (map2 sub a' a) (map2 sub b' b)).
Lemma iproduct_excess_ok a a' b b' x x' y y' : holds a x -> holds a' x' -> holds b y -> holds b' y' ->
  contains (iproduct_excess a a' b b') (excess x x' y y').
Proof.
  intros A A' B B'. pose proof (scale_pos s_pos e_pos) as sp. unfold excess. apply isum_ok.
  apply map2_ok; [|apply map2_ok; [intros; now apply sub_ok | assumption | assumption] | apply map2_ok; [intros; now apply sub_ok | assumption | assumption]].
  intros u v z w U V. replace (Rmax 0 (- (z * w)) / 4)%R with (Rmax 0 (- (z * w)) / 2 / 2)%R by lra.
  apply half_ok, half_ok. apply imax_ok; [assumption | apply zero_ok | apply opp_ok; now apply mul_ok].
Qed.
Definition iexcess (q : penalty) (v w : network itv) : itv :=
  let rows u := map (inorm p) (iextended_rows (hd iempty_layer u)) in
  let head u := weight (last u iempty_layer) in
  match q with
  | PathNorm => iproduct_excess (rows v) (rows w) (icolumn_norms1 (head v)) (icolumn_norms1 (head w))
  | Balanced => iproduct_excess (rows v) (rows w) (map (inorm p) (columns (head v))) (map (inorm p) (columns (head w)))
  | _ => zero
  end.
Lemma iexcess_ok q v w v' w' : holds_network p v v' -> holds_network p w w' -> contains (iexcess q v w) (penalty_excess q v' w').
Proof.
  intros V W. pose proof (scale_pos s_pos e_pos) as sp.
  assert (N : forall v v', holds_network p v v' -> holds (map (inorm p) (iextended_rows (hd iempty_layer v))) (map norm (extended_rows (hd empty_layer v')))).
  { intros u u' H. apply map_rows_ok; [intros; now apply inorm_ok | apply iextended_rows_ok; now apply holds_hd]. }
  assert (C : forall v v', holds_network p v v' -> Forall2 holds (weight (last v iempty_layer)) (weight (last v' empty_layer))).
  { intros u u' H. now apply holds_last. }
  destruct q; simpl; try apply zero_ok; apply iproduct_excess_ok; try (now apply N).
  - apply icolumn_norms1_ok; [assumption | now apply C].
  - apply icolumn_norms1_ok; [assumption | now apply C].
  - apply map_rows_ok; [intros; now apply inorm_ok | apply columns_ok; now apply C].
  - apply map_rows_ok; [intros; now apply inorm_ok | apply columns_ok; now apply C].
Qed.

Definition at_start (T : track) : itv := widen (start T) (low T) (high T).
Definition at_stop (T : track) : itv := widen (stop T) (low T) (high T).
Definition worst (c : context) (side : track -> itv) (j : sample itv) (T : list track) : option itv :=
  iloss p (c_loss c) (target j) (label j) (map side T).
Definition chord_bound (c : context) (v w : network itv) : option Z :=
  let T := map (fun j => toutputs p (c_slope c) v w (input j)) (c_samples c) in
  match all_some (map2 (worst c at_start) (c_samples c) T), all_some (map2 (worst c at_stop) (c_samples c) T) with
  | Some a, Some b =>
      let x := iexcess (c_penalty c) v w in
      let value u net := add (imean (c_shares c) u) (mul p (c_kappa c) (add (ipenalty p (c_penalty c) (c_priced c) net) x)) in
      Some (Z.max (hi (value a v)) (hi (value b w)))
  | _, _ => None
  end.

Lemma ends_of_tracks t T xs ys zs : tracks_list p t T xs ys zs -> exists u v,
  zs = map2 (lerp t) u v /\ length u = length v /\ holds (map at_start T) u /\ holds (map at_stop T) v.
Proof.
  induction 1 as [|Q x y z T xs ys zs H H' (u & v & E & L & U & V)].
  - exists [], []. repeat split; constructor.
  - exists ((x + (z - lerp t x y)) :: u)%R, ((y + (z - lerp t x y)) :: v)%R. simpl. rewrite <- E, L.
    destruct H as (H1 & H2 & H3 & H4 & H5).
    split; [f_equal; unfold lerp; ring|]. split; [reflexivity|]. split; constructor; try assumption; now apply widen_ok.
Qed.

Notation PR := (map_problem (real s)).
Lemma worst_ok P t v w v' w' J a b : (0 <= slope (PR P) < 1)%R -> proper_loss (loss_of (PR P)) -> within t ->
  holds_network p v v' -> holds_network p w w' -> same_shape v' w' ->
  let c := context_of e P in
  let K := map (map_sample (embed e)) J in
  let T := map (fun j => toutputs p (c_slope c) v w (input j)) K in
  all_some (map2 (worst c at_start) K T) = Some a -> all_some (map2 (worst c at_stop) K T) = Some b ->
  exists U V, Forall2 Rle (map (sample_loss (PR P) (lerp_network t v' w')) (map (map_sample (real s)) J)) (map2 (lerp t) U V) /\
    length U = length V /\ holds a U /\ holds b V.
Proof.
  intros A C W HV HW SH. cbv zeta. set (c := context_of e P). pose proof (scale_pos s_pos e_pos) as sp. revert a b.
  induction J as [|j J IH]; intros a b EA EB.
  - simpl in *. injection EA as <-. injection EB as <-. exists [], []. repeat split; constructor.
  - cbn [map map2 all_some] in EA, EB.
    destruct (worst c at_start _ _) as [a0|] eqn:WA; [|discriminate]. destruct (worst c at_stop _ _) as [b0|] eqn:WB; [|discriminate].
    simpl in EA, EB.
    destruct (all_some (map2 (worst c at_start) _ _)) as [a'|] eqn:EA'; [|discriminate].
    destruct (all_some (map2 (worst c at_stop) _ _)) as [b'|] eqn:EB'; [|discriminate].
    injection EA as <-. injection EB as <-. destruct (IH _ _ eq_refl eq_refl) as (U & V & H & L & HU & HB).
    assert (TR : tracks_list p t (toutputs p (c_slope c) v w (input (map_sample (embed e) j)))
       (outputs (slope (PR P)) v' (map (real s) (input j))) (outputs (slope (PR P)) w' (map (real s) (input j)))
       (outputs (slope (PR P)) (lerp_network t v' w') (map (real s) (input j)))).
    { apply toutputs_ok; try assumption; [now apply embed_ok | now apply embed_list_ok]. }
    destruct (ends_of_tracks TR) as (x & y & E & L' & X & Y).
    exists (loss_value (loss_of (PR P)) (map (real s) (target j)) (label j) x :: U),
           (loss_value (loss_of (PR P)) (map (real s) (target j)) (label j) y :: V).
    simpl. repeat split.
    + constructor; [|assumption]. unfold sample_loss. simpl. simpl in E. rewrite E. now apply loss_convex.
    + now rewrite L.
    + constructor; [|assumption]. apply (iloss_ok sp WA); [now apply embed_loss_ok | now apply embed_list_ok | assumption].
    + constructor; [|assumption]. apply (iloss_ok sp WB); [now apply embed_loss_ok | now apply embed_list_ok | assumption].
Qed.
Theorem chord_bound_ok P t v w v' w' u : good_shares P -> proper (PR P) -> within t ->
  holds_network p v v' -> holds_network p w w' -> same_shape v' w' -> chord_bound (context_of e P) v w = Some u ->
  (F (PR P) (lerp_network t v' w') * S p <= IZR u)%R.
Proof.
  intros [N T] (A & C & K & S1 & S2) W HV HW SH E. pose proof (scale_pos s_pos e_pos) as sp. pose proof (S_pos sp) as s0.
  unfold chord_bound in E. destruct (all_some _) as [a|] eqn:EA in E; [|discriminate]. destruct (all_some _) as [b|] eqn:EB in E; [|discriminate].
  injection E as <-. destruct (worst_ok A C W HV HW SH EA EB) as (U & V & H & L & HU & HB).
  pose proof (mean_le S1 S2 H) as M. rewrite mean_lerp in M by assumption. cbn [samples map_problem] in M. rewrite map_shares in M.
  pose proof (imean_ok s_pos (e := e) N T HU) as MU. pose proof (imean_ok s_pos (e := e) N T HB) as MV.
  pose proof (penalty_chord (penalty_of P) (bias_priced P) W SH) as Q.
  pose proof (iexcess_ok (penalty_of P) HV HW) as X.
  pose proof (ipenalty_ok sp (penalty_of P) (bias_priced P) HV) as PV. pose proof (ipenalty_ok sp (penalty_of P) (bias_priced P) HW) as PW.
  pose proof (embed_ok s_pos e_pos (kappa P)) as KK.
  pose proof (add_ok MU (mul_ok sp KK (add_ok PV X))) as [_ B0]. pose proof (add_ok MV (mul_ok sp KK (add_ok PW X))) as [_ B1].
  unfold F. cbn [samples map_problem]. rewrite map_shares. cbn [c_shares c_kappa c_penalty c_priced context_of].
  match goal with |- (_ <= IZR (Z.max ?x ?y))%R => pose proof (IZR_le _ _ (Z.le_max_l x y)) as ML; pose proof (IZR_le _ _ (Z.le_max_r x y)) as MR end.
  simpl in K. cbn [map_problem kappa penalty_of bias_priced] in *.
  set (f := mean _ _) in *. set (m0 := mean _ U) in *. set (m1 := mean _ V) in *.
  set (k := real s (kappa P)) in *. set (x := penalty_excess _ _ _) in *.
  set (q := penalty_value _ _ (lerp_network t v' w')) in *. set (q0 := penalty_value _ _ v') in *. set (q1 := penalty_value _ _ w') in *.
  apply Rle_trans with (lerp t ((m0 + k * (q0 + x)) * S p) ((m1 + k * (q1 + x)) * S p))%R.
  - replace (lerp t ((m0 + k * (q0 + x)) * S p) ((m1 + k * (q1 + x)) * S p))%R with ((lerp t m0 m1 + k * (lerp t q0 q1 + x)) * S p)%R
      by (unfold lerp; ring).
    apply Rmult_le_compat_r; [lra|]. apply Rplus_le_compat; [exact M|]. now apply Rmult_le_compat_l.
  - apply lerp_max; [assumption | |]; eapply Rle_trans; eassumption.
Qed.

(** ** Between breakpoints *)
Definition same_point (a b : itv) : bool := (lo a =? hi a) && (lo a =? lo b) && (lo a =? hi b).
Definition ilerp (t a b : itv) : itv :=
  if same_point a b then a else add (mul p (sub (one p) t) a) (mul p t b).
Definition ilerp_layer (t : itv) (l m : layer itv) : layer itv :=
  Layer (map2 (map2 (ilerp t)) (weight l) (weight m)) (map2 (ilerp t) (bias l) (bias m)).
Definition ilerp_network (t : itv) (v w : network itv) : network itv := map2 (ilerp_layer t) v w.
Lemma ilerp_ok t a b t' x y : contains t t' -> contains a x -> contains b y -> contains (ilerp t a b) (lerp t' x y).
Proof.
  intros T A B. pose proof (scale_pos s_pos e_pos) as sp. pose proof (S_pos sp). unfold ilerp.
  destruct (same_point a b) eqn:E.
  - unfold same_point in E. apply andb_prop in E as [E E3]. apply andb_prop in E as [E1 E2].
    apply Z.eqb_eq in E1, E2, E3. replace y with x; [now rewrite lerp_same|].
    destruct A as [A1 A2], B as [B1 B2]. rewrite <- E1 in A2. rewrite <- E2 in B1. rewrite <- E3 in B2.
    apply Rmult_eq_reg_r with (S p); lra.
  - unfold lerp. apply add_ok; apply mul_ok; try assumption. apply sub_ok; [apply one_ok | assumption].
Qed.
Lemma ilerp_network_ok t t' v w v' w' : contains t t' -> holds_network p v v' -> holds_network p w w' ->
  holds_network p (ilerp_network t v w) (lerp_network t' v' w').
Proof.
  intros T HV. revert w w'. induction HV as [|l l' v v' [L1 L2] HV IH]; intros w w' HW; simpl; [constructor|].
  destruct HW as [|m m' w w' [M1 M2] HW]; constructor; [|now apply IH].
  split; simpl; [|apply map2_ok; try assumption; intros; now apply ilerp_ok].
  revert M1. generalize (weight m) (weight m'). induction L1 as [|r r' R0 R0' Hr HR IHR]; intros R1 R1' M1; simpl; [constructor|].
  destruct M1; constructor; [|now apply IHR]. apply map2_ok; try assumption. intros; now apply ilerp_ok.
Qed.

Lemma lerp_lerp a b t x y : lerp t (lerp a x y) (lerp b x y) = lerp (lerp t a b) x y.
Proof. unfold lerp; ring. Qed.
Lemma lerp_network_lerp u a b v w : same_shape v w ->
  lerp_network u (lerp_network a v w) (lerp_network b v w) = lerp_network (lerp u a b) v w.
Proof.
  assert (L : forall x y : list R, map2 (lerp u) (map2 (lerp a) x y) (map2 (lerp b) x y) = map2 (lerp (lerp u a b)) x y).
  { induction x; intros [|]; simpl; try reflexivity. now rewrite IHx, lerp_lerp. }
  assert (M : forall X Y : list (list R), map2 (map2 (lerp u)) (map2 (map2 (lerp a)) X Y) (map2 (map2 (lerp b)) X Y) = map2 (map2 (lerp (lerp u a b))) X Y).
  { induction X; intros [|]; simpl; try reflexivity. now rewrite IHX, L. }
  induction 1 as [|l m v w H H' IH]; [reflexivity|]. cbn [lerp_network map2]. unfold lerp_network in IH. rewrite IH. f_equal.
  unfold lerp_layer; simpl. now rewrite L, M.
Qed.
Lemma same_shape_lerp a b v w : same_shape v w -> same_shape (lerp_network a v w) (lerp_network b v w).
Proof.
  induction 1 as [|l m v w [H E] H' IH]; simpl; constructor; [|exact IH]. split; simpl; [|now rewrite !map2_length].
  clear - H. induction H; simpl; constructor; [now rewrite !map2_length | assumption].
Qed.

(** The largest bound over all pieces; [now] is the network at the time before. *)
Fixpoint pieces (c : context) (now : network itv) (times : list (network itv)) : option Z :=
  match times with
  | [] => None
  | [next] => chord_bound c now next
  | next :: rest => option_map2 Z.max (chord_bound c now next) (pieces c next rest)
  end.
Definition cut_bound (c : context) (v w : network itv) (breaks : list Z) : option Z :=
  pieces c v (map (fun b => ilerp_network (embed e b) v w) breaks ++ [w]).

Lemma piece_of a b t : (a < b)%R -> (a <= t <= b)%R -> exists u, within u /\ t = lerp u a b.
Proof.
  intros H T. exists ((t - a) / (b - a))%R. unfold within, lerp. split.
  - split; [apply Rmult_le_pos; [lra | left; apply Rinv_0_lt_compat; lra]|].
    apply Rmult_le_reg_r with (b - a)%R; [lra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. lra.
  - field. lra.
Qed.
Fixpoint increasing (a : Z) (u : list Z) (last : Z) : bool :=
  match u with [] => a <? last | b :: u' => (a <? b) && increasing b u' last end.
Lemma real_lt a b : a < b -> (real s a < real s b)%R.
Proof.
  intro H. unfold real, Rdiv. apply Rmult_lt_compat_r; [|now apply IZR_lt].
  apply Rinv_0_lt_compat. apply IZR_lt. now apply Z.pow_pos_nonneg.
Qed.
Lemma pieces_ok P v w v' w' : good_shares P -> proper (PR P) -> holds_network p v v' -> holds_network p w w' -> same_shape v' w' ->
  forall breaks a now u t, increasing a breaks (2 ^ s) = true -> holds_network p now (lerp_network (real s a) v' w') ->
  (real s a <= t <= 1)%R ->
  pieces (context_of e P) now (map (fun b => ilerp_network (embed e b) v w) breaks ++ [w]) = Some u ->
  (F (PR P) (lerp_network t v' w') * S p <= IZR u)%R.
Proof.
  intros G HP HV HW SH. assert (one : (real s (2 ^ s) = 1)%R).
  { unfold real. apply Rinv_r. apply Rgt_not_eq. apply IZR_lt. now apply Z.pow_pos_nonneg. }
  assert (W1 : w' = lerp_network 1 v' w').
  { clear - SH. induction SH as [|l m v w H SH IH]; [reflexivity|]. cbn [lerp_network map2]. rewrite lerp_layer_1 by assumption. unfold lerp_network in IH. now rewrite <- IH. }
  assert (piece : forall a b now next u t, (a < b)%R -> (a <= t <= b)%R -> holds_network p now (lerp_network a v' w') ->
     holds_network p next (lerp_network b v' w') -> chord_bound (context_of e P) now next = Some u ->
     (F (PR P) (lerp_network t v' w') * S p <= IZR u)%R).
  { intros a b now next u t L T A B E. destruct (piece_of L T) as (x & X & ->). rewrite <- lerp_network_lerp by assumption.
    apply (chord_bound_ok G HP X A B); [now apply same_shape_lerp | assumption]. }
  induction breaks as [|b breaks IH]; intros a now u t I N T E.
  - simpl in *. apply Z.ltb_lt, real_lt in I. rewrite one in I. apply (piece (real s a) 1%R now w); try assumption. now rewrite <- W1.
  - simpl in I. apply andb_prop in I as [I1 I2]. apply Z.ltb_lt, real_lt in I1.
    assert (B : holds_network p (ilerp_network (embed e b) v w) (lerp_network (real s b) v' w')).
    { apply ilerp_network_ok; try assumption. now apply embed_ok. }
    cbn [map app] in E. set (rest := map _ breaks ++ [w]) in *.
    assert (R : option_map2 Z.max (chord_bound (context_of e P) now (ilerp_network (embed e b) v w))
                  (pieces (context_of e P) (ilerp_network (embed e b) v w) rest) = Some u).
    { simpl in E. destruct rest eqn:Q; [|exact E]. unfold rest in Q. destruct breaks; discriminate. }
    destruct (chord_bound _ _ _) as [x|] eqn:EX; [|discriminate]. destruct (pieces _ _ rest) as [y|] eqn:EY; [|discriminate].
    injection R as <-. destruct (Rle_dec t (real s b)) as [L|L].
    + apply Rle_trans with (IZR x); [|apply IZR_le; lia]. apply (piece (real s a) (real s b) now (ilerp_network (embed e b) v w)); try assumption. lra.
    + apply Rle_trans with (IZR y); [|apply IZR_le; lia]. apply (IH b (ilerp_network (embed e b) v w) y t); try assumption. lra.
Qed.
Theorem cut_bound_ok P v w v' w' breaks u t : good_shares P -> proper (PR P) -> holds_network p v v' -> holds_network p w w' ->
  same_shape v' w' -> increasing 0 breaks (2 ^ s) = true -> within t -> cut_bound (context_of e P) v w breaks = Some u ->
  (F (PR P) (lerp_network t v' w') * S p <= IZR u)%R.
Proof.
  intros G HP HV HW SH I W E. assert (Z0 : real s 0 = 0%R) by (unfold real; lra).
  apply (pieces_ok G HP HV HW SH I (now := v)); [|rewrite Z0; exact W | exact E]. rewrite Z0.
  replace (lerp_network 0 v' w') with v'; [assumption|]. clear - SH.
  induction SH as [|l m v w H SH IH]; [reflexivity|]. cbn [lerp_network map2]. rewrite lerp_layer_0 by assumption. unfold lerp_network in IH. now rewrite <- IH.
Qed.
End Bound.
