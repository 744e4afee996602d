(** * The checker of region_optimum, and the theorem that what it accepts is true *)
From Coq Require Import Reals List ZArith Bool Lia Lra PeanoNat.
From Proofs Require Import Spec Convex Moves Scaling Balance Fixed Eval Chord Bound Checker Dual Heads Barrier Faces Barriers Regions RegionNumbers.
Import ListNotations.
Set Implicit Arguments.
Unset Strict Implicit.
Open Scope Z_scope.
Arguments Z.eqb : simpl never.
Arguments Z.mul : simpl never.
Arguments Z.add : simpl never.

(** ** Positions *)
Definition numbered {T} (u : list T) : list (nat * T) := combine (seq 0 (length u)) u.
Lemma numbered_nth {T} (u : list T) i : nth_error (numbered u) i = option_map (pair i) (nth_error u i).
Proof.
  unfold numbered. assert (H : forall k, nth_error (combine (seq k (length u)) u) i = option_map (pair (k + i)%nat) (nth_error u i)); [|apply (H O)].
  revert i. induction u as [|a u IH]; intros [|i] k; simpl; try reflexivity; [now rewrite Nat.add_0_r|]. now rewrite IH, Nat.add_succ_r.
Qed.
Lemma nth_error_map' {T U} (f : T -> U) u i : nth_error (map f u) i = option_map f (nth_error u i).
Proof. revert i; induction u; intros [|i]; simpl; auto. Qed.
Lemma Forall2_nth {T U} (Q : T -> U -> Prop) u v i a b : Forall2 Q u v -> nth_error u i = Some a -> nth_error v i = Some b -> Q a b.
Proof. intro H. revert i. induction H; intros [|i] E1 E2; simpl in *; try discriminate; [congruence | eauto]. Qed.

Section Region.
Variables s e : Z.
Hypothesis s_pos : 0 <= s.
Hypothesis e_pos : 0 <= e.
Notation p := (scale s e).
Notation row := (map (real s)).
Notation PR := (map_problem (real s)).
Notation net := (map_network (real s)).
Notation U := (IZR (unit s)).
Notation E2 := (IZR (2 ^ e)).

(** ** Signs *)
(** A pre-activation, at scale 2s. *)
Definition zpre (n x : list Z) : Z := match n with b :: w => weigh w x + unit s * b | [] => 0 end.
Definition inputs_in (P : problem Z) : list (list Z) := map (@input Z) (samples P).
Definition activeb (active : list (nat * nat)) (i j : nat) (z : Z) : bool :=
  (0 <? z) || existsb (fun ij => Nat.eqb (fst ij) i && Nat.eqb (snd ij) j) active.
Definition patterns (P : problem Z) (l : layer Z) (active : list (nat * nat)) : list (list bool) :=
  map (fun ie => map (fun jx => activeb active (fst ie) (fst jx) (zpre (snd ie) (snd jx))) (numbered (inputs_in P))) (numbered (incoming l)).
Definition on_boundary (P : problem Z) (l : layer Z) (ij : nat * nat) : bool :=
  match nth_error (incoming l) (fst ij), nth_error (inputs_in P) (snd ij) with Some n, Some x => zpre n x =? 0 | _, _ => false end.
Definition insideb (P : problem Z) (a : list (list bool)) (point : layer Z) : bool :=
  all_pairs (fun bits n => all_pairs (fun (b : bool) x => if b then 0 <=? zpre n x else zpre n x <=? 0) bits (inputs_in P)) a (incoming point).

Lemma zpre_real l i n x : nth_error (incoming l) i = Some n -> pre_activation (map_layer (real s) l) i (row x) = (IZR (zpre n x) / (U * U))%R.
Proof.
  intro E. pose proof (U_pos s_pos) as UP. pose proof (map_nth_error row _ _ E) as E'. rewrite <- extended_map in E'.
  destruct (nth_error_extended E') as (b & r & E1 & EB & ER). unfold pre_activation. rewrite (nth_error_nth _ _ [] ER), (nth_error_nth _ _ 0%R EB).
  destruct n as [|z w]; [discriminate|]. simpl in E1. injection E1 as <- <-. cbn [zpre]. rewrite dot_real, plus_IZR, mult_IZR by assumption. unfold real. fold (unit s). field. lra.
Qed.
Lemma sign_real z : ((0 < IZR z / (U * U))%R <-> 0 < z) /\ ((0 <= IZR z / (U * U))%R <-> 0 <= z) /\ ((IZR z / (U * U) <= 0)%R <-> z <= 0).
Proof.
  pose proof (U_pos s_pos) as UP. assert (I : (0 < / (U * U))%R) by (apply Rinv_0_lt_compat; nra). unfold Rdiv. repeat split; intro H.
  - apply lt_IZR. nra.
  - apply IZR_lt in H. nra.
  - apply le_IZR. nra.
  - apply IZR_le in H. nra.
  - apply le_IZR. nra.
  - apply IZR_le in H. nra.
Qed.
Definition shortb (u : list Z) (point : layer Z) : bool := all_pairs (fun n most => zsum (map (fun z => z * z) n) <=? most * most) (incoming point) u.
Definition check_region_at (P : problem Z) (A B : network Z) (x : region_claim) : bool :=
  match region_network A B x with
  | [l; h] =>
      let d := length (match samples P with j :: _ => input j | [] => [] end) in
      let a := patterns P l (g_active x) in
      let c := context_of e P in
      let n := Datatypes.S d in
      problemb s P A B && Nat.eqb (length A) 2 && (slope P =? 0) && chains d [l; h] && Nat.eqb (length (weight h)) (outputs_of A) &&
      same_layerb (g_point x) l && (g_hidden x || forallb (Z.eqb 0) (bias (g_point x))) &&
      same_length (g_point_bias x) (bias h) && (g_free x || vector_eqb (g_point_bias x) (bias h)) &&
      forallb (on_boundary P l) (g_active x) && insideb P a (g_point x) && match g_limits x with Some u => shortb u (g_point x) | None => true end &&
      Nat.eqb (length (g_mu x)) (length (weight l)) && forallb (fun m => Nat.eqb (length m) (length (samples P)) && forallb (Z.leb 0) m) (g_mu x) &&
      all_pairs (fun j nu => domainb s (loss_of P) (target j) (label j) nu && Nat.eqb (length nu) (length (weight h))) (samples P) (g_nu x) &&
      zpricesb P h x &&
      match iF s e c (map_network (embed e) [g_point x; Layer (weight h) (g_point_bias x)]),
            all_some (map2 (fun j nu => iconjugate s e (c_loss c) (target j) (label j) (map (embed e) nu)) (c_samples c) (g_nu x)) with
      | Some f, Some u =>
          ((g_lower x =? 0) || (Z.shiftl (g_lower x) e <=? - hi (imean (c_shares c) u) - zcost s e P h x a n (hi f) + zkept s e P h x)) && at_most e (hi f) (g_upper x)
      | _, _ => false
      end
  | _ => false
  end.

(** ** The region *)
Lemma combine_nth {A0 B0} (u : list A0) (v : list B0) i q : nth_error (combine u v) i = Some q -> nth_error u i = Some (fst q) /\ nth_error v i = Some (snd q).
Proof. revert v i. induction u as [|y u IH]; intros [|z v] [|i] E; simpl in *; try discriminate; [now injection E as <- | now apply IH]. Qed.
Lemma inputs_real P : map (@input R) (samples (PR P)) = map row (inputs_in P).
Proof. unfold inputs_in. cbn [samples map_problem]. now rewrite !map_map. Qed.
Lemma input_nth P j y : nth_error (map (@input R) (samples (PR P))) j = Some y -> exists z, nth_error (inputs_in P) j = Some z /\ y = row z.
Proof. rewrite inputs_real, nth_error_map'. destruct (nth_error (inputs_in P) j) as [z|]; simpl; [|discriminate]. intros [= <-]. now exists z. Qed.
Lemma activeb_ok l active i j m z : nth_error (incoming l) i = Some m ->
  (activeb active i j (zpre m z) = true <-> counts_active (map_layer (real s) l) active i j (row z)).
Proof.
  intro E. unfold activeb, counts_active. rewrite (zpre_real z E), orb_true_iff, Z.ltb_lt. destruct (sign_real (zpre m z)) as [-> _].
  enough (existsb (fun ij => Nat.eqb (fst ij) i && Nat.eqb (snd ij) j) active = true <-> In (i, j) active) by tauto. rewrite existsb_exists. split.
  - intros ([i' j'] & I & Q). apply andb_prop in Q as [Q1 Q2]. apply Nat.eqb_eq in Q1, Q2. simpl in *. now subst.
  - intro I. exists (i, j). split; [assumption|]. simpl. now rewrite !Nat.eqb_refl.
Qed.
Lemma patterns_nth P l active i bits : nth_error (patterns P l active) i = Some bits -> length bits = length (samples P) /\ exists m, nth_error (incoming l) i = Some m /\
  forall j z, nth_error (inputs_in P) j = Some z -> nth_error bits j = Some (activeb active i j (zpre m z)).
Proof.
  unfold patterns. rewrite nth_error_map', numbered_nth. destruct (nth_error (incoming l) i) as [m|]; [|discriminate]. simpl. intros [= <-]. split.
  - rewrite map_length. unfold numbered. rewrite combine_length, seq_length. unfold inputs_in. rewrite map_length. lia.
  - exists m. split; [reflexivity|]. intros j z E. now rewrite nth_error_map', numbered_nth, E.
Qed.
Lemma patterns_length P l active : length (patterns P l active) = length (incoming l).
Proof. unfold patterns, numbered. rewrite map_length, combine_length, seq_length. lia. Qed.
Lemma incoming_length l : length (bias l) = length (weight l) -> length (incoming l) = length (weight l).
Proof. intro H. unfold incoming. rewrite map2_length. lia. Qed.
Lemma insideb_ok P l active point i j y : insideb P (patterns P l active) point = true -> length (bias point) = length (weight point) ->
  (i < length (weight point))%nat -> nth_error (map (@input R) (samples (PR P))) j = Some y ->
  let a := counts_active (map_layer (real s) l) active i j y in
  (a -> (0 <= pre_activation (map_layer (real s) point) i y)%R) /\ (~ a -> (pre_activation (map_layer (real s) point) i y <= 0)%R).
Proof.
  intros E LB IL EY. cbv zeta. apply input_nth in EY as (z & EZ & ->). unfold insideb in E.
  apply (all_pairs_ok (Q := fun bits m => Forall2 (fun (b : bool) x => (if b then 0 <=? zpre m x else zpre m x <=? 0) = true) bits (inputs_in P))) in E.
  2: { intros bits m Q. now apply (all_pairs_ok (Q := fun (b : bool) x => (if b then 0 <=? zpre m x else zpre m x <=? 0) = true)) in Q. }
  destruct (nth_error (incoming point) i) as [m|] eqn:EM.
  2: { apply nth_error_None in EM. rewrite incoming_length in EM by assumption. lia. }
  destruct (nth_error (patterns P l active) i) as [bits|] eqn:EB.
  2: { apply nth_error_None in EB. pose proof (Forall2_len E) as Q. assert (N : nth_error (incoming point) i <> None) by congruence. apply nth_error_Some in N. lia. }
  pose proof (Forall2_nth E EB EM) as F1. destruct (patterns_nth EB) as (_ & m' & EM' & PB). pose proof (Forall2_nth F1 (PB j z EZ) EZ) as V.
  pose proof (activeb_ok active j z EM') as AC. rewrite (zpre_real z EM). destruct (sign_real (zpre m z)) as (_ & S1 & S2). rewrite S1, S2.
  destruct (activeb active i j (zpre m' z)).
  - split; [intros _; now apply Z.leb_le | intro N; elim N; now apply AC].
  - split; [intro A; apply AC in A; discriminate | intros _; now apply Z.leb_le].
Qed.
Lemma shortb_ok u point : shortb u point = true -> forallb (Z.leb 0) u = true -> Forall2 (fun r most => (norm r <= most)%R) (extended_rows (map_layer (real s) point)) (row u).
Proof.
  pose proof (U_pos s_pos) as UP. unfold shortb. rewrite extended_map. intros E N. apply (all_pairs_ok (Q := fun m most => zsum (map (fun z => z * z) m) <= most * most)) in E; [|intros; now apply Z.leb_le].
  revert N. induction E as [|m most ms u Q E IH]; intro N; simpl; constructor.
  - cbn [forallb] in N. apply andb_prop in N as [N _]. apply le_of_squares; [now apply (real_nonneg s_pos), Z.leb_le|]. rewrite norm_square.
    assert (X : dot (row m) (row m) = (IZR (zsum (map (fun z => (z * z)%Z) m)) / (U * U))%R).
    { clear - s_pos UP. induction m as [|z m IH]; [rewrite dot_nil_l; unfold Rdiv; simpl; ring|]. simpl. rewrite dot_cons, IH, plus_IZR, real_mul by assumption. field. lra. }
    rewrite X, real_mul by assumption. apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat; nra | now apply IZR_le].
  - apply IH. cbn [forallb] in N. now apply andb_prop in N as [_ N].
Qed.
Lemma on_boundary_ok P l i j : length (bias l) = length (weight l) -> on_boundary P l (i, j) = true -> (i < length (weight (map_layer (real s) l)))%nat /\
  exists y, nth_error (map (@input R) (samples (PR P))) j = Some y /\ pre_activation (map_layer (real s) l) i y = 0%R.
Proof.
  intros LB. unfold on_boundary. cbn [fst snd]. destruct (nth_error (incoming l) i) as [m|] eqn:EM; [|discriminate]. destruct (nth_error (inputs_in P) j) as [z|] eqn:EZ; [|discriminate].
  intro Q. apply Z.eqb_eq in Q. split.
  - cbn [map_layer weight]. rewrite map_length, <- (incoming_length LB). apply nth_error_Some. congruence.
  - exists (row z). rewrite inputs_real, nth_error_map', EZ. split; [reflexivity|]. rewrite (zpre_real z EM), Q. unfold Rdiv. ring.
Qed.

Lemma problemb_kappa P A B : problemb s P A B = true -> 0 <= kappa P /\ match penalty_of P with
  | NoPenalty => kappa P = 0 /\ bias_priced P = false | L1 | PathNorm => 0 < kappa P | WeightDecay | Balanced => 0 < kappa P /\ bias_priced P = false end.
Proof.
  intro E. unfold problemb in E. cbv zeta in E. do 8 (apply andb_prop in E as [E _]). apply andb_prop in E as [E B0]. apply andb_prop in E as [_ K].
  destruct (penalty_of P); [apply Z.eqb_eq in K | apply Z.ltb_lt in K ..]; rewrite ?orb_false_r, ?negb_true_iff in B0; lia || (split; [lia|]); auto.
Qed.
Lemma problemb_inputs P A B : problemb s P A B = true ->
  Forall (fun j => length (input j) = length (match samples P with j :: _ => input j | [] => [] end)) (samples P).
Proof.
  intro E. unfold problemb in E. cbv zeta in E. apply andb_prop in E as [E _]. apply andb_prop in E as [_ E]. rewrite forallb_forall in E. apply Forall_forall. intros j I.
  specialize (E j I). do 2 (apply andb_prop in E as [E _]). now apply Nat.eqb_eq.
Qed.
Lemma vector_rows d (V : list (list Z)) : forallb (fun r => Nat.eqb (length r) d) V = true -> Forall (fun r => length r = d) (map row V).
Proof.
  intro E. rewrite forallb_forall in E. apply Forall_forall. intros r I. apply in_map_iff in I as (z & <- & I). rewrite map_length. now apply Nat.eqb_eq, E.
Qed.

(** The network, as layers, whose region it is. *)
Definition layers_of (A B : network Z) (x : region_claim) : layer Z * layer Z :=
  match region_network A B x with [l; h] => (l, h) | _ => (Layer [] [], Layer [] []) end.
Theorem check_region_sound P A B x : check_region_at P A B x = true ->
  region_network A B x = [fst (layers_of A B x); snd (layers_of A B x)] /\
  region_optimum (PR P) (map_layer (real s) (fst (layers_of A B x))) (map_layer (real s) (snd (layers_of A B x))) (g_active x) (g_hidden x) (g_free x)
    (option_map row (g_limits x)) (option_map (real s) (g_bias_limit x)) (real s (g_lower x)) (real s (g_upper x)).
Proof.
  unfold check_region_at, layers_of. destruct (region_network A B x) as [|l [|h [|? ?]]]; try discriminate. cbv zeta. cbn [fst snd]. intro E. split; [reflexivity|].
  set (d := length (match samples P with j :: _ => input j | [] => [] end)) in *. set (a := patterns P l (g_active x)) in *. set (c := context_of e P) in *.
  apply andb_prop in E as [E EV]. apply andb_prop in E as [E EPR]. apply andb_prop in E as [E ED]. apply andb_prop in E as [E EMU]. apply andb_prop in E as [E ELM].
  apply andb_prop in E as [E ESH]. apply andb_prop in E as [E EIN]. apply andb_prop in E as [E EAC]. apply andb_prop in E as [E EPB]. apply andb_prop in E as [E EPL].
  apply andb_prop in E as [E EHB]. apply andb_prop in E as [E ESL]. apply andb_prop in E as [E _]. apply andb_prop in E as [E ECH]. apply andb_prop in E as [E ERE]. apply andb_prop in E as [EP _].
  destruct (problemb_ok s_pos EP) as (HP & G & _). destruct (problemb_kappa EP) as [K0 KP]. pose proof (problemb_inputs EP) as IN. fold d in IN. clearbody d.
  destruct (iF _ _ _ _) as [f|] eqn:EI; [|discriminate]. destruct (all_some _) as [u|] eqn:EU; [|discriminate]. apply andb_prop in EV as [EV1 EV2].
  pose proof (S_pos (scale_pos s_pos e_pos)) as s0.
  cbn [chains] in ECH. apply andb_prop in ECH as [C1 ECH]. apply andb_prop in C1 as [C1 BL]. apply andb_prop in C1 as [_ RL].
  apply andb_prop in ECH as [C2 _]. apply andb_prop in C2 as [C2 BH]. apply andb_prop in C2 as [WH RH]. apply Nat.ltb_lt in WH. apply Nat.eqb_eq in BL, BH, ELM. apply Z.eqb_eq in ERE.
  unfold same_layerb in ESL. apply andb_prop in ESL as [ESR ESB]. apply same_length_eq in ESB, EPL. pose proof (same_rowsb_ok s ESR) as SR.
  pose proof (same_rows_length SR) as LW. rewrite !map_length in LW.
  set (H := map_layer (real s) h). set (L := map_layer (real s) l). set (PT := map_layer (real s) (g_point x)).
  assert (DF : dual_fits (PR P) (length (weight H)) (map row (g_nu x))).
  { unfold dual_fits, H. cbn [samples map_problem map_layer weight]. rewrite map_length.
    apply (all_pairs_ok (Q := fun j nu => in_domain (map_loss (real s) (loss_of P)) (row (target j)) (label j) (row nu) /\ length (row nu) = length (weight h))) in ED.
    - clear - ED. cbn [loss_of map_problem]. induction ED; simpl; constructor; assumption.
    - intros j nu Q. apply andb_prop in Q as [Q1 Q2]. split; [now apply domainb_ok | rewrite map_length; now apply Nat.eqb_eq]. }
  pose proof (iF_ok s_pos e_pos G (embed_network_ok s_pos e_pos [g_point x; Layer (weight h) (g_point_bias x)]) EI) as [_ FU].
  change (net [g_point x; Layer (weight h) (g_point_bias x)]) with [PT; Layer (weight H) (row (g_point_bias x))] in FU.
  assert (LIM : match g_limits x with Some v => forallb (Z.leb 0) v = true | None => True end).
  { unfold zpricesb in EPR. apply andb_prop in EPR as [Q _]. destruct (g_limits x); [|trivial]. destruct (penalty_of P); try discriminate; exact Q. }
  assert (PF : prices_fit (PR P) (weight H) (map row (g_nu x)) (g_free x) (option_map row (g_limits x)) (option_map (real s) (g_bias_limit x))).
  { unfold zpricesb in EPR. apply andb_prop in EPR as [Q1 Q2]. unfold prices_fit. cbn [penalty_of bias_priced kappa map_problem]. split.
    - assert (pos : 0 < kappa P -> (0 < real s (kappa P))%R) by (intro Q; rewrite <- (real_0 s); now apply real_lt).
      destruct (penalty_of P), (g_limits x); try discriminate; cbn [option_map]; repeat split; try discriminate; try (now apply pos); try tauto.
      destruct KP as [-> _]. apply real_0.
    - intros FR PRI NL. destruct (g_bias_limit x); [discriminate|]. rewrite FR, PRI in Q2. cbn [negb orb] in Q2. unfold H. cbn [map_layer weight]. rewrite (bias_sums_real s_pos h x G).
      rewrite forallb_forall in Q2. unfold over_of. apply Forall_forall. intros y I. apply in_map_iff in I as (z & <- & I). apply Q2, Z.eqb_eq in I as <-. unfold Rdiv. ring. }
  assert (BOUND : (IZR (g_lower x) * E2 <= IZR (- hi (imean (c_shares c) u) - zcost s e P h x a (Datatypes.S d) (hi f) + zkept s e P h x) ->
     real s (g_lower x) <= dual_bound (PR P) (weight H) (map row (g_nu x)) (if g_hidden x then 1 else 0) (Datatypes.S d) (combine a (map row (g_mu x))) (g_free x)
       (option_map row (g_limits x)) (option_map (real s) (g_bias_limit x)) (bias H) (IZR (hi f) / S p))%R).
  { intro Q. unfold dual_bound. apply Rmult_le_reg_r with (S p); [assumption|].
    assert (CONJ : (dot (proportions (PR P)) (conjugates (PR P) (map row (g_nu x))) * S p <= IZR (hi (imean (c_shares c) u)))%R).
    { assert (HU : Forall2 (contains p) u (conjugates (PR P) (map row (g_nu x)))).
      { unfold conjugates. cbn [samples map_problem]. clear - EU s_pos e_pos. revert u EU. unfold c. cbn [c_samples c_loss context_of]. generalize (g_nu x).
        induction (samples P) as [|j J IH]; intros [|nu D] u EU; simpl in *; try (injection EU as <-; constructor).
        destruct (iconjugate _ _ _ _) as [b|] eqn:EA; [|discriminate]. destruct (all_some _) as [u'|] eqn:EU'; [|discriminate]. injection EU as <-.
        constructor; [|now apply IH]. apply (iconjugate_ok s_pos e_pos EA); [now apply embed_loss_ok | now apply embed_list_ok ..]. }
      destruct G as [GN GT]. pose proof (imean_ok s_pos (e := e) GN GT HU) as [_ M]. rewrite proportions_dot. unfold total. cbn [samples map_problem]. rewrite map_shares. exact M. }
    assert (M0 : 0 <= hi f).
    { apply le_IZR. eapply Rle_trans; [|exact FU]. apply Rmult_le_pos; [|lra]. apply (F_at_least_0 HP (K := length (weight H))); [discriminate | | ].
      - cbn [last weight bias]. unfold H. cbn [map_layer weight]. rewrite !map_length. lia.
      - intros CE j I. unfold dual_fits in DF. rewrite CE in DF. clear - DF I.
        induction DF as [|j' nu J D [(_ & _ & D1) D2] DF IH]; [easy|]. destruct I as [<-|I]; [now rewrite <- D2 | now apply IH]. }
    assert (COST := @cost_ok s e s_pos e_pos P h x a (Datatypes.S d) G K0 (hi f) M0).
    assert (ZS : kappa P = 0 -> zshared s e P h x a (Datatypes.S d) = 0).
    { intro KZ. unfold zshared. destruct (penalty_of P); try (exfalso; lia). destruct KP as [_ ->]. now rewrite andb_false_r. }
    specialize (COST ZS ltac:(destruct (penalty_of P); trivial; tauto) LIM).
    pose proof (@kept_ok s e s_pos e_pos P h x G) as KEPT. destruct (scales s_pos e_pos) as (SP & UP & EP').
    rewrite plus_IZR, minus_IZR, opp_IZR in Q. unfold H. cbn [map_layer weight bias]. replace (real s (g_lower x) * S p)%R with (IZR (g_lower x) * E2)%R by (rewrite SP; unfold real; fold (unit s); field; lra).
    lra. }
  apply (@region_optimum_by_duality (PR P) L H (g_active x) (g_hidden x) (g_free x) (option_map row (g_limits x)) (option_map (real s) (g_bias_limit x)) (map row (g_nu x))
    (combine a (map row (g_mu x))) PT (row (g_point_bias x)) d (IZR (hi f) / S p)%R).
  - exact HP.
  - cbn [slope map_problem]. rewrite ERE. apply real_0.
  - exact DF.
  - exact PF.
  - unfold H. cbn [map_layer weight]. destruct (weight h); [simpl in WH; lia | discriminate].
  - unfold H. cbn [map_layer weight bias]. now rewrite !map_length.
  - unfold H, L. cbn [map_layer weight]. rewrite map_length. now apply vector_rows.
  - unfold L. cbn [map_layer weight bias]. now rewrite !map_length.
  - unfold L. cbn [map_layer weight]. now apply vector_rows.
  - cbn [samples map_problem]. clear - IN. induction IN; simpl; constructor; trivial. simpl. now rewrite map_length.
  - unfold L. cbn [map_layer weight]. rewrite combine_length, !map_length. unfold a. rewrite patterns_length, incoming_length by assumption. lia.
  - apply Forall_forall. intros [bits mu] I. apply In_nth_error in I as (i & I). apply combine_nth in I as [I1 I2]. cbn [fst snd] in *. cbn [samples map_problem]. rewrite map_length.
    split; [now apply (patterns_nth I1)|]. rewrite nth_error_map' in I2. destruct (nth_error (g_mu x) i) as [m|] eqn:EM; [|discriminate]. injection I2 as <-. apply nth_error_In in EM.
    rewrite forallb_forall in EMU. specialize (EMU m EM). apply andb_prop in EMU as [M1 M2]. apply Nat.eqb_eq in M1. rewrite map_length. split; [assumption|].
    rewrite forallb_forall in M2. apply Forall_forall. intros y I. apply in_map_iff in I as (z & <- & I). apply (real_nonneg s_pos). now apply Z.leb_le, M2.
  - intros i j [bits mu] b y I Eb Ey. apply combine_nth in I as [I _]. cbn [fst] in *. apply input_nth in Ey as (z & Ez & ->). destruct (patterns_nth I) as (_ & m & Em & PB).
    rewrite (PB j z Ez) in Eb. injection Eb as <-. now apply activeb_ok.
  - intros i j I. rewrite forallb_forall in EAC. now apply (on_boundary_ok BL), EAC.
  - unfold in_region. split; [exact SR|]. split; [unfold PT, L; cbn [map_layer weight bias]; rewrite !map_length; congruence|]. split.
    + intro NH. rewrite NH in EHB. cbn [orb] in EHB. unfold PT. cbn [map_layer bias]. rewrite forallb_forall in EHB. apply Forall_forall. intros y I. apply in_map_iff in I as (z & <- & I).
      apply EHB, Z.eqb_eq in I as <-. apply real_0.
    + intros i j y IL EY. unfold L in IL. cbn [map_layer weight] in IL. rewrite map_length in IL. apply (insideb_ok EIN); [congruence | congruence | assumption].
  - split; [unfold H; cbn [map_layer bias]; now rewrite !map_length|]. destruct (g_free x) eqn:FR.
    + unfold zpricesb in EPR. apply andb_prop in EPR as [_ Q]. destruct (g_bias_limit x) as [BLM|]; simpl; [|trivial]. apply andb_prop in Q as [_ Q]. rewrite forallb_forall in Q.
      apply Forall_forall. intros y I. apply in_map_iff in I as (z & <- & I). rewrite real_abs by assumption. apply real_le; [assumption|]. now apply Z.leb_le, Q.
    + cbn [orb] in EPB. apply vector_eqb_eq in EPB as ->. reflexivity.
  - destruct (g_limits x) as [v|]; simpl; [|trivial]. now apply shortb_ok.
  - apply Rmult_le_reg_r with (S p); [assumption|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. lra.
  - apply Z.leb_le, IZR_le in EV2. rewrite (shift_real s_pos e_pos) in EV2. apply Rmult_le_reg_r with (S p); [assumption|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. lra.
  - apply orb_prop in EV1 as [Q|Q]; [left; apply Z.eqb_eq in Q as ->; apply real_0 | right]. apply BOUND. apply Z.leb_le, IZR_le in Q. now rewrite (shifted e_pos) in Q.
Qed.
End Region.

Definition check_region (s : Z) (P : problem Z) (A B : network Z) (x : region_claim) : bool :=
  (0 <=? s) && existsb (fun e => check_region_at s e P A B x) (precisions s).
(** The main theorem of this file: what is accepted is true, as Spec.v states it, of the network [l; h] that is A, B or the stored one. *)
Theorem region_optimum_checked s P A B x : check_region s P A B x = true -> exists l h, region_network A B x = [l; h] /\
  region_optimum (map_problem (real s) P) (map_layer (real s) l) (map_layer (real s) h) (g_active x) (g_hidden x) (g_free x)
    (option_map (map (real s)) (g_limits x)) (option_map (real s) (g_bias_limit x)) (real s (g_lower x)) (real s (g_upper x)).
Proof.
  intro E. apply andb_prop in E as [S E]. apply Z.leb_le in S. apply existsb_exists in E as (e & I & E).
  destruct (check_region_sound S (precisions_pos S I) E) as [E1 E2]. eauto.
Qed.

(** ** One by hand: inputs (1, 1) and (1, -1), targets 1, the row (1, 1/2) with head 1, and kappa = 1/4 for the path penalty. The best row is
    (7/8, 0) with F = 15/64, which the dual nu = (-1/4, -1/4) proves to the last digit. Numbers are times 64. *)
Definition by_hand_problem : problem Z := Problem 0 Squared 16 PathNorm false [Sample [64; 64] [64] 0 64; Sample [64; -64] [64] 0 64].
Definition by_hand_network : network Z := [Layer [[64; 32]] [0]; Layer [[64]] [0]].
Definition by_hand (lower upper : Z) : region_claim :=
  RegionClaim (Some true) [] [] false false None None (Layer [[56; 0]] [0]) [0] [[-16]; [-16]] [[0; 0]] lower upper.
Example by_hand_checked : check_region 6 by_hand_problem by_hand_network by_hand_network (by_hand 15 15) = true.
Proof. vm_compute. reflexivity. Qed.
Example by_hand_refused : check_region 6 by_hand_problem by_hand_network by_hand_network (by_hand 16 16) = false /\
  check_region 6 by_hand_problem by_hand_network by_hand_network (by_hand 14 14) = false.
Proof. vm_compute. split; reflexivity. Qed.
Example by_hand_true : region_optimum (map_problem (real 6) by_hand_problem) (Layer [[1; 1 / 2]] [0])%R (Layer [[1]] [0])%R [] false false None None (15 / 64) (15 / 64).
Proof.
  destruct (region_optimum_checked by_hand_checked) as (l & h & [= <- <-] & H). unfold map_layer in H. cbn [map weight bias g_hidden g_free g_active g_limits g_bias_limit g_lower g_upper by_hand option_map] in H.
  assert (N : forall z, real 6 z = (IZR z / 64)%R) by reflexivity.
  replace (real 6 64) with 1%R in H by (rewrite N; lra). replace (real 6 32) with (1 / 2)%R in H by (rewrite N; lra). replace (real 6 0) with 0%R in H by (rewrite N; lra). exact H.
Qed.
