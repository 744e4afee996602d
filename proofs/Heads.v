(** * The checker of head_optimum, and the theorem that what it accepts is true *)
From Coq Require Import Reals List ZArith Bool Lia Lra PeanoNat.
From Proofs Require Import Spec Convex Moves Fixed Eval Chord Bound Checker Dual.
Import ListNotations.
Set Implicit Arguments.
Unset Strict Implicit.
Open Scope Z_scope.

(** [h_free]: there is an output bias. [h_dual] has one row per sample. *)
Record head_claim := HeadClaim { h_rows : layer Z; h_head : layer Z; h_free : bool; h_dual : list (list Z); h_limit : option Z;
  h_lower : Z; h_upper : Z }.

Fixpoint all_pairs {A B} (f : A -> B -> bool) (u : list A) (v : list B) : bool :=
  match u, v with [], [] => true | a :: u', b :: v' => f a b && all_pairs f u' v' | _, _ => false end.
Lemma all_pairs_ok {A B} (f : A -> B -> bool) (Q : A -> B -> Prop) u v : (forall a b, f a b = true -> Q a b) -> all_pairs f u v = true -> Forall2 Q u v.
Proof.
  intro H. revert v; induction u; destruct v; simpl; try discriminate; intro E; constructor; apply andb_prop in E as [E1 E2]; auto.
Qed.

Section Domain.
Variable s : Z.
Hypothesis s_pos : 0 <= s.
Notation row := (map (real s)).
Definition unit : Z := 2 ^ s.
(** Whether a row of the dual lies in the domain of the conjugate, exactly. *)
Definition domainb (o : loss Z) (y : list Z) (k : nat) (nu : list Z) : bool :=
  match o with
  | Logistic | Hinge => all_pairs (fun t v => (t * t =? unit * unit) && (0 <=? - (t * v)) && (- (t * v) <=? unit * unit)) y nu
  | CrossEntropy => let q := bump (fun x => x + unit) k nu in forallb (Z.leb 0) q && (zsum q =? unit) && Nat.ltb k (length nu)
  | Squared => same_length y nu
  | Absolute => all_pairs (fun _ v => Z.abs v <=? unit) y nu
  | Huber d => all_pairs (fun _ v => Z.abs v <=? d) y nu
  end.
Lemma unit_pos : 0 < unit. Proof. now apply Z.pow_pos_nonneg. Qed.
Lemma real_mul a b : (real s a * real s b = IZR (a * b) / (IZR unit * IZR unit))%R.
Proof. pose proof (IZR_lt _ _ unit_pos). unfold real. fold unit. rewrite mult_IZR. field. lra. Qed.
Lemma real_abs a : Rabs (real s a) = real s (Z.abs a).
Proof.
  pose proof (IZR_lt _ _ unit_pos). unfold real. fold unit. unfold Rdiv. rewrite Rabs_mult, abs_IZR. f_equal. apply Rabs_pos_eq.
  left. now apply Rinv_0_lt_compat.
Qed.
Lemma bump_real k nu : simplex_point k (row nu) = row (bump (fun x => x + unit) k nu).
Proof.
  unfold simplex_point. revert k; induction nu as [|v nu IH]; destruct k; simpl; try reflexivity; [|now rewrite IH].
  f_equal. pose proof (IZR_lt _ _ unit_pos). unfold real. fold unit. rewrite plus_IZR. field. lra.
Qed.
Lemma domainb_ok o y k nu : domainb o y k nu = true -> in_domain (map_loss (real s) o) (row y) k (row nu).
Proof.
  pose proof (IZR_lt _ _ unit_pos) as U.
  assert (pairs : forall (f : Z -> Z -> bool) (Q : R -> R -> Prop), (forall t v, f t v = true -> Q (real s t) (real s v)) ->
            all_pairs f y nu = true -> Forall2 Q (row y) (row nu)).
  { intros f Q H E. apply (all_pairs_ok H) in E. clear - E. induction E; simpl; constructor; assumption. }
  assert (signs : all_pairs (fun t v => (t * t =? unit * unit) && (0 <=? - (t * v)) && (- (t * v) <=? unit * unit)) y nu = true ->
            Forall2 (fun t v => t * t = 1 /\ 0 <= - (t * v) <= 1)%R (row y) (row nu)).
  { apply pairs. intros t v E. apply andb_prop in E as [E E3]. apply andb_prop in E as [E1 E2]. apply Z.eqb_eq in E1. apply Z.leb_le, IZR_le in E2, E3.
    assert (UU : (0 < IZR unit * IZR unit)%R) by now apply Rmult_lt_0_compat. rewrite !real_mul, E1. rewrite opp_IZR in E2, E3.
    rewrite !mult_IZR in *. split; [field; lra|]. split; apply Rmult_le_reg_r with (IZR unit * IZR unit)%R; try assumption; unfold Rdiv;
      rewrite ?Ropp_mult_distr_l, ?Rmult_assoc, ?Rinv_l by lra; lra. }
  destruct o; simpl.
  - exact signs.
  - exact signs.
  - intro E. apply andb_prop in E as [E E3]. apply andb_prop in E as [E1 E2]. rewrite bump_real, map_length. split; [|split].
    + rewrite forallb_forall in E1. apply shares_real; [assumption|]. intros z I. apply Z.leb_le. now apply E1.
    + rewrite sum_real. apply Z.eqb_eq in E2. rewrite E2. fold unit. field. lra.
    + now apply Nat.ltb_lt.
  - intro E. apply same_length_eq in E. now rewrite !map_length.
  - apply pairs. intros t v E. rewrite real_abs. apply Z.leb_le in E. rewrite <- (real_one s_pos). now apply real_le.
  - apply pairs. intros t v E. rewrite real_abs. apply Z.leb_le in E. now apply real_le.
Qed.
End Domain.

Section Head.
Variables s e : Z.
Hypothesis s_pos : 0 <= s.
Hypothesis e_pos : 0 <= e.
Notation p := (scale s e).
Notation contains := (contains p).
Notation holds := (Forall2 contains).
Notation row := (map (real s)).
Notation PR := (map_problem (real s)).
Notation net := (map_network (real s)).

(** ** Conjugates *)
Definition iplogp (a : itv) : option itv :=
  if (lo a =? 0) && (hi a =? 0) then Some zero else if 0 <? lo a then option_map (mul p a) (iln p a) else None.
Lemma iplogp_ok a x i : iplogp a = Some i -> contains a x -> contains i (plogp x).
Proof.
  pose proof (scale_pos s_pos e_pos) as sp. pose proof (S_pos sp) as s0. unfold iplogp. intros E H.
  destruct ((lo a =? 0) && (hi a =? 0)) eqn:Z0.
  - injection E as <-. apply andb_prop in Z0 as [L U]. apply Z.eqb_eq in L, U. destruct H as [A B]. rewrite L in A. rewrite U in B.
    replace x with 0%R by (apply Rmult_eq_reg_r with (S p); lra). unfold plogp. rewrite Rmult_0_l. apply zero_ok.
  - destruct (Z.ltb_spec 0 (lo a)) as [L|L]; [|discriminate]. destruct (iln p a) as [l|] eqn:EL; [|discriminate]. injection E as <-.
    apply mul_ok; [assumption | assumption|]. apply (iln_ok sp EL); [|assumption]. destruct H as [A _]. apply IZR_lt in L.
    apply Rmult_lt_reg_r with (S p); lra.
Qed.
Definition iconjugate (o : loss itv) (y : list itv) (k : nat) (nu : list itv) : option itv :=
  match o with
  | Logistic => option_map isum (all_some (map2 (fun t v => option_map2 add (iplogp (opp (mul p t v))) (iplogp (add (one p) (mul p t v)))) y nu))
  | Hinge | Absolute => Some (isum (map2 (fun t v => mul p v t) y nu))
  | CrossEntropy => option_map isum (all_some (map iplogp (bump (fun x => add x (one p)) k nu)))
  | Squared => Some (isum (map2 (fun t v => add (half (half (square p v))) (mul p v t)) y nu))
  | Huber _ => Some (isum (map2 (fun t v => add (half (square p v)) (mul p v t)) y nu))
  end.
Lemma bump_ok k u x : holds u x -> holds (bump (fun a => add a (one p)) k u) (simplex_point k x).
Proof.
  unfold simplex_point. intro H. revert k; induction H; destruct k; simpl; constructor; auto. apply add_ok; [assumption | apply one_ok].
Qed.
Lemma iconjugate_ok o y k nu o' y' nu' i : iconjugate o y k nu = Some i -> holds_loss p o o' -> holds y y' -> holds nu nu' ->
  contains i (conjugate o' y' k nu').
Proof.
  pose proof (scale_pos s_pos e_pos) as sp. intros E O Y V. destruct O; simpl in E |- *.
  - unfold option_map in E. destruct (all_some _) as [u|] eqn:A; [|discriminate]. injection E as <-. apply isum_ok.
    revert nu nu' V u A. induction Y as [|t t' y y' T Y IH]; intros nu nu' V u A; [simpl in *; injection A as <-; constructor|].
    destruct V as [|v v' nu nu' V' V]; simpl in *; [injection A as <-; constructor|].
    destruct (iplogp (opp _)) as [a|] eqn:EA; [|discriminate]. destruct (iplogp (add _ _)) as [b|] eqn:EB; [|discriminate].
    simpl in A. destruct (all_some _) as [u'|] eqn:A'; [|discriminate]. injection A as <-. constructor; [|now apply IH with nu].
    apply add_ok; [apply (iplogp_ok EA); apply opp_ok; now apply mul_ok | apply (iplogp_ok EB); apply add_ok; [apply one_ok | now apply mul_ok]].
  - injection E as <-. apply isum_ok. apply map2_ok; try assumption. intros. now apply mul_ok.
  - unfold option_map in E. destruct (all_some _) as [u|] eqn:A; [|discriminate]. injection E as <-. apply isum_ok.
    pose proof (bump_ok k V) as H. revert u A. induction H as [|a x q q' C H IH]; intros u A; simpl in *; [injection A as <-; constructor|].
    destruct (iplogp a) as [b|] eqn:EA; [|discriminate]. destruct (all_some _) as [u'|] eqn:A'; [|discriminate]. injection A as <-.
    constructor; [now apply (iplogp_ok EA) | now apply IH].
  - injection E as <-. apply isum_ok. apply map2_ok; try assumption. intros a b c d X1 X2. apply add_ok; [|now apply mul_ok].
    replace (d * d / 4)%R with (d * d / 2 / 2)%R by lra. apply half_ok, half_ok. now apply square_ok.
  - injection E as <-. apply isum_ok. apply map2_ok; try assumption. intros. now apply mul_ok.
  - injection E as <-. apply isum_ok. apply map2_ok; try assumption. intros. apply add_ok; [apply half_ok; now apply square_ok | now apply mul_ok].
Qed.

(** ** Violations of the dual's constraints *)
Definition ineuron (x n : list itv) : itv := match n with b :: w => add (idot p w x) b | [] => zero end.
Definition features (c : context) (n : list Z) : list itv := map (fun j => isigma p (c_slope c) (ineuron (input j) (map (embed e) n))) (c_samples c).

Definition dual_column (shares d : list Z) : list itv := map2 (mul p) (map (embed e) shares) (map (embed e) d).
(** The largest square that is held, at scale 2p. *)
Definition most_square (i : itv) : Z := let m := Z.max (- lo i) (hi i) in m * m.
(** How far a size whose square is at most [sq], at scale 2p, exceeds the root of [room], at scale 6s: exactly 0 where the squares say so. *)
Definition over (room sq : Z) : Z :=
  if Z.shiftl sq (4 * s) <=? Z.shiftl room (2 * e) then 0
  else Z.max 0 (sqrt_up sq - Z.sqrt (Z.shiftr (Z.shiftl room (2 * e)) (4 * s))).
Definition price_square (q : penalty) (n : list Z) : Z :=
  match q with PathNorm | Balanced => zsum (map (fun x => x * x) n) | _ => unit s * unit s end.
Definition room_of (P : problem Z) (n : list Z) : Z :=
  let k := zsum (map (@share Z) (samples P)) * kappa P in k * k * price_square (penalty_of P) n.
Definition over_one (P : problem Z) (c : context) (d n : list Z) : Z :=
  over (room_of P n) (most_square (idot p (dual_column (c_shares c) d) (features c n))).
Definition over_column (P : problem Z) (c : context) (us : list (list Z)) (n : list Z) : Z :=
  over (room_of P n) (zsum (map (fun d => most_square (idot p (dual_column (c_shares c) d) (features c n))) us)).
(** At scale 2s. *)
Definition over_bias (P : problem Z) (d : list Z) : Z :=
  Z.max 0 (Z.abs (weigh (map (@share Z) (samples P)) d) - if bias_priced P then zsum (map (@share Z) (samples P)) * kappa P else 0).

Lemma over_nonneg room sq : 0 <= over room sq.
Proof. unfold over. destruct (_ <=? _); lia. Qed.
Lemma over_ok (x r : R) room sq : (0 <= x)%R -> (0 <= r)%R -> (x * S p * (x * S p) <= IZR sq)%R ->
  (r * r * (IZR (2 ^ (6 * s))) = IZR room)%R -> (x <= r + IZR (over room sq) / S p)%R.
Proof.
  intros X R0 Q E. pose proof (S_pos (scale_pos s_pos e_pos)) as sp.
  assert (P4 : (0 < IZR (2 ^ (4 * s)))%R) by (apply IZR_lt, Z.pow_pos_nonneg; lia).
  assert (room_ok : (IZR (Z.shiftl room (2 * e)) = r * S p * (r * S p) * IZR (2 ^ (4 * s)))%R).
  { rewrite Z.shiftl_mul_pow2, mult_IZR, <- E by lia. unfold S, scale.
    replace (6 * s) with (s + s + 4 * s) by ring. replace (2 * e) with (e + e) by ring.
    rewrite !Z.pow_add_r, !mult_IZR by lia. ring. }
  assert (enough_here : (x * S p <= r * S p + IZR (over room sq))%R -> (x <= r + IZR (over room sq) / S p)%R).
  { intro H. apply Rmult_le_reg_r with (S p); [assumption|]. unfold Rdiv. rewrite Rmult_plus_distr_r, Rmult_assoc, Rinv_l by lra. lra. }
  apply enough_here. assert (rS : (0 <= r * S p)%R) by (apply Rmult_le_pos; lra). assert (xS : (0 <= x * S p)%R) by (apply Rmult_le_pos; lra).
  unfold over. destruct (Z.leb_spec (Z.shiftl sq (4 * s)) (Z.shiftl room (2 * e))) as [L|L].
  - apply IZR_le in L. rewrite room_ok, Z.shiftl_mul_pow2, mult_IZR in L by lia. apply Rmult_le_reg_r in L; [|assumption].
    enough (x * S p <= r * S p)%R by lra. apply le_of_squares; lra.
  - assert (SQ : 0 <= sq) by (apply le_IZR; apply Rle_trans with (x * S p * (x * S p))%R; [now apply Rmult_le_pos | assumption]).
    destruct (sqrt_up_ge SQ) as [U1 U2]. apply IZR_le in U1, U2. rewrite mult_IZR in U1.
    assert (A : (x * S p <= IZR (sqrt_up sq))%R) by (apply le_of_squares; lra).
    set (m := Z.shiftr (Z.shiftl room (2 * e)) (4 * s)).
    assert (M : (IZR m <= r * S p * (r * S p))%R).
    { unfold m. rewrite Z.shiftr_div_pow2 by lia. apply Rmult_le_reg_r with (IZR (2 ^ (4 * s))); [assumption|]. rewrite <- room_ok. apply div_le.
      apply Z.pow_pos_nonneg; lia. }
    assert (B : (IZR (Z.sqrt m) <= r * S p)%R).
    { apply le_of_squares; [assumption|]. destruct (Z.le_gt_cases 0 m) as [N|N].
      - destruct (Z.sqrt_spec m N) as [D _]. apply IZR_le in D. rewrite mult_IZR in D. lra.
      - rewrite Z.sqrt_neg by assumption. nra. }
    pose proof (IZR_le _ _ (Z.le_max_r 0 (sqrt_up sq - Z.sqrt m))) as C. rewrite minus_IZR in C. lra.
Qed.
Lemma most_square_ok i x : contains i x -> (Rabs x * S p * (Rabs x * S p) <= IZR (most_square i))%R.
Proof.
  intros [A B]. pose proof (S_pos (scale_pos s_pos e_pos)) as sp. unfold most_square. rewrite mult_IZR. set (m := IZR (Z.max (- lo i) (hi i))).
  assert (M1 : (- IZR (lo i) <= m)%R) by (unfold m; rewrite <- opp_IZR; apply IZR_le; lia).
  assert (M2 : (IZR (hi i) <= m)%R) by (unfold m; apply IZR_le; lia).
  assert (0 <= Rabs x * S p)%R by (apply Rmult_le_pos; [apply Rabs_pos | lra]).
  assert (Rabs x * S p <= m)%R by (unfold Rabs; destruct (Rcase_abs x); lra).
  apply Rmult_le_compat; assumption.
Qed.

Section Bounds.
Variables (P : problem Z) (l : layer Z).
Notation c := (context_of e P).
Notation w := (map (@share Z) (samples P)).
Hypothesis G : good_shares P.
Hypothesis K0 : 0 <= kappa P.
Definition weighted (d : list Z) : list R := map2 Rmult (row w) (row d).
Lemma total_real : total (PR P) = real s (zsum w).
Proof. unfold total. cbn [samples map_problem]. rewrite map_shares. apply sum_real. Qed.
Lemma features_ok n : holds (features c n) (map (fun j => sigma (slope (PR P)) (neuron (input j) (row n))) (samples (PR P))).
Proof.
  pose proof (scale_pos s_pos e_pos) as sp. unfold features. cbn [samples map_problem c_samples context_of slope]. rewrite !map_map.
  induction (samples P) as [|j J IH]; simpl; constructor; [|assumption]. apply isigma_ok; [assumption | now apply embed_ok|].
  destruct n as [|b n]; simpl; [apply zero_ok|]. apply add_ok; [apply idot_ok; [assumption | now apply embed_list_ok ..] | now apply embed_ok].
Qed.
Lemma pull_ok d n : contains (idot p (dual_column (c_shares c) d) (features c n)) (pull (PR P) (weighted d) (row n)).
Proof.
  pose proof (scale_pos s_pos e_pos) as sp. unfold pull. apply idot_ok; [assumption | | apply features_ok].
  unfold weighted, dual_column. cbn [c_shares context_of]. apply map2_ok; [intros; now apply mul_ok | now apply embed_list_ok ..].
Qed.
Lemma price_real n : (row_price (PR P) (row n) * row_price (PR P) (row n) * (IZR (unit s) * IZR (unit s)) = IZR (price_square (penalty_of P) n))%R.
Proof.
  assert (U : (0 < IZR (unit s))%R) by (apply IZR_lt; now apply unit_pos).
  assert (N : (norm (row n) * norm (row n) * (IZR (unit s) * IZR (unit s)) = IZR (zsum (map (fun x => (x * x)%Z) n)))%R).
  { rewrite norm_square. induction n as [|x n IH]; [rewrite dot_nil_l; simpl; ring|]. simpl. rewrite dot_cons, plus_IZR, Rmult_plus_distr_r, IH.
    f_equal. rewrite real_mul by assumption. field. lra. }
  unfold row_price, price_square. cbn [penalty_of map_problem]. destruct (penalty_of P); try exact N; rewrite mult_IZR; ring.
Qed.
Lemma room_real n : let r := (total (PR P) * kappa (PR P) * row_price (PR P) (row n))%R in (0 <= r)%R /\ (r * r * IZR (2 ^ (6 * s)) = IZR (room_of P n))%R.
Proof.
  assert (U : (0 < IZR (unit s))%R) by (apply IZR_lt; now apply unit_pos). cbv zeta. rewrite total_real. destruct G as [_ T].
  assert (N : (0 <= row_price (PR P) (row n))%R) by (unfold row_price; destruct (penalty_of _); try lra; apply norm_nonneg).
  assert (T0 : (0 <= real s (zsum w))%R) by (rewrite <- (real_0 s); apply real_le; lia).
  assert (k0 : (0 <= real s (kappa P))%R) by (rewrite <- (real_0 s); now apply real_le). split.
  - cbn [kappa map_problem]. apply Rmult_le_pos; [now apply Rmult_le_pos | assumption].
  - unfold room_of. cbv zeta. rewrite !mult_IZR, <- price_real. cbn [kappa map_problem]. replace (6 * s) with (s + s + s + s + s + s) by ring.
    rewrite !Z.pow_add_r, !mult_IZR by lia. fold (unit s). unfold real. fold (unit s). field. lra.
Qed.
Lemma over_one_ok d n : (Rabs (pull (PR P) (weighted d) (row n)) <= total (PR P) * kappa (PR P) * row_price (PR P) (row n) + IZR (over_one P c d n) / S p)%R.
Proof.
  destruct (room_real n) as [R0 RR]. unfold over_one. apply over_ok; try assumption; [apply Rabs_pos | apply most_square_ok, pull_ok].
Qed.
Lemma over_column_ok us n :
  (norm (map (fun d => pull (PR P) (weighted d) (row n)) us) <= total (PR P) * kappa (PR P) * row_price (PR P) (row n) + IZR (over_column P c us n) / S p)%R.
Proof.
  destruct (room_real n) as [R0 RR]. unfold over_column. apply over_ok; try assumption; [apply norm_nonneg|].
  pose proof (S_pos (scale_pos s_pos e_pos)) as sp.
  replace (norm (map (fun d => pull (PR P) (weighted d) (row n)) us) * S p * (norm (map (fun d => pull (PR P) (weighted d) (row n)) us) * S p))%R
    with (norm (map (fun d => pull (PR P) (weighted d) (row n)) us) * norm (map (fun d => pull (PR P) (weighted d) (row n)) us) * (S p * S p))%R by ring.
  rewrite norm_square. induction us as [|d us IH]; [rewrite dot_nil_l; simpl; lra|]. cbn [map zsum fold_right]. rewrite dot_cons, plus_IZR.
  pose proof (most_square_ok (pull_ok d n)) as Q. set (x := pull _ _ _) in *. replace (Rabs x * S p * (Rabs x * S p))%R with (x * x * (S p * S p))%R in Q.
  - unfold zsum in IH. lra.
  - pose proof (Rsqr_abs x) as A. unfold Rsqr in A. rewrite A. ring.
Qed.
Lemma weighted_sum d : (sum (weighted d) = IZR (weigh w d) / (IZR (unit s) * IZR (unit s)))%R.
Proof.
  assert (U : (0 < IZR (unit s))%R) by (apply IZR_lt; now apply unit_pos). unfold weighted, weigh. revert d.
  induction w as [|a u IH]; intros [|x d]; simpl; try (unfold sum; simpl; field; lra). rewrite sum_cons, IH, plus_IZR, real_mul by assumption. field. lra.
Qed.
Lemma over_bias_ok d : (Rabs (sum (weighted d)) <= bias_room (PR P) + IZR (over_bias P d) / (IZR (unit s) * IZR (unit s)))%R.
Proof.
  assert (U : (0 < IZR (unit s))%R) by (apply IZR_lt; now apply unit_pos). rewrite weighted_sum.
  assert (UU : (0 < IZR (unit s) * IZR (unit s))%R) by now apply Rmult_lt_0_compat.
  unfold Rdiv at 1. rewrite Rabs_mult, <- abs_IZR. rewrite (Rabs_pos_eq (/ _)) by (left; now apply Rinv_0_lt_compat).
  assert (BR : bias_room (PR P) = (IZR (if bias_priced P then zsum w * kappa P else 0) / (IZR (unit s) * IZR (unit s)))%R).
  { unfold bias_room. cbn [bias_priced map_problem]. destruct (bias_priced P); [|lra]. rewrite total_real. cbn [kappa map_problem]. now apply real_mul. }
  rewrite BR. unfold over_bias, Rdiv. rewrite <- Rmult_plus_distr_r, <- plus_IZR. apply Rmult_le_compat_r; [left; now apply Rinv_0_lt_compat|].
  apply IZR_le. lia.
Qed.
End Bounds.

(** ** The claim *)
(** All violations, by outputs (in the balanced form at once), at scale p; those of the output bias, at scale 2s. *)
Definition overs (P : problem Z) (c : context) (us ns : list (list Z)) : list (list Z) :=
  let zs := map (fun n => (room_of P n, features c n)) ns in
  let duals := map (dual_column (c_shares c)) us in
  let size d z := most_square (idot p d (snd z)) in
  match penalty_of P with
  | Balanced => [map (fun z => over (fst z) (zsum (map (fun d => size d z) duals))) zs]
  | _ => map (fun d => map (fun z => over (fst z) (size d z)) zs) duals
  end.
Definition bias_overs (P : problem Z) (free : bool) (us : list (list Z)) : list Z := if free then map (over_bias P) us else [].
(** What heads with entries up to 1 can gain from them, at scale p. *)
Definition gain (q : penalty) (K : nat) (vs : list (list Z)) (bs : list Z) : Z :=
  let v := zsum (map zsum vs) in
  match q with Balanced => sqrt_up (Z.of_nat K * (v * v)) | _ => v end + zsum (map (fun b => shift_up s (Z.shiftl b e)) bs).
Definition lower_bound (P : problem Z) (c : context) (x : head_claim) (vs : list (list Z)) (bs : list Z) (conjugates : list itv) : bool :=
  let v := gain (penalty_of P) (length (weight (h_head x))) vs bs in
  let cost := match h_limit x with Some H => div_up (H * v) (zsum (c_shares c)) | None => 0 end in
  (h_lower x =? 0) || (Z.shiftl (h_lower x) e <=? - hi (imean (c_shares c) conjugates) - cost).
Definition limitedb (x : head_claim) : bool :=
  match h_limit x with
  | None => true
  | Some H => (0 <=? H) && forallb (forallb (fun v => Z.abs v <=? H)) (weight (h_head x)) && forallb (fun v => Z.abs v <=? H) (bias (h_head x))
  end.
Definition check_head_at (A0 : problem Z) (A B : network Z) (x : head_claim) : bool :=
  let P := balanced A0 in
  let c := context_of e P in
  let K := outputs_of A in
  let us := transpose 0 K (h_dual x) in
  let vs := overs P c us (incoming (h_rows x)) in
  let bs := bias_overs P (h_free x) us in
  problemb s A0 A B && Nat.eqb (length A) 2 && chains (length (match samples A0 with j :: _ => input j | [] => [] end)) [h_rows x; h_head x] &&
  Nat.eqb (length (weight (h_head x))) K && (h_free x || forallb (Z.eqb 0) (bias (h_head x))) && limitedb x &&
  all_pairs (fun j nu => domainb s (loss_of P) (target j) (label j) nu && Nat.eqb (length nu) K) (samples P) (h_dual x) &&
  (match h_limit x with Some _ => true | None => forallb (forallb (Z.eqb 0)) vs && forallb (Z.eqb 0) bs end) &&
  match iF s e c (map_network (embed e) [h_rows x; h_head x]),
        all_some (map2 (fun j nu => iconjugate (c_loss c) (target j) (label j) (map (embed e) nu)) (c_samples c) (h_dual x)) with
  | Some f, Some u => lower_bound P c x vs bs u && at_most e (hi f) (h_upper x)
  | _, _ => false
  end.

Lemma problemb_prices P A B : problemb s P A B = true ->
  match penalty_of (PR (balanced P)) with
  | NoPenalty => kappa (PR (balanced P)) = 0%R | WeightDecay => False | Balanced => bias_priced (PR (balanced P)) = false | _ => True
  end.
Proof.
  intro E. unfold problemb in E. cbv zeta in E. do 8 (apply andb_prop in E as [E _]). apply andb_prop in E as [E B0]. apply andb_prop in E as [_ K].
  destruct P as [a o k q b J]; simpl in *. destruct q; simpl in *; trivial.
  - apply Z.eqb_eq in K. rewrite K. apply real_0.
  - rewrite orb_false_r in B0. now apply negb_true_iff in B0.
  - rewrite orb_false_r in B0. now apply negb_true_iff in B0.
Qed.
Lemma transpose_map K D : transpose 0%R K (map row D) = map row (transpose 0 K D).
Proof.
  revert D; induction K as [|K IH]; intro D; [reflexivity|]. simpl. f_equal.
  - rewrite !map_map. apply map_ext. intros [|z d]; [simpl; symmetry; apply real_0 | reflexivity].
  - rewrite <- IH. f_equal. rewrite !map_map. apply map_ext. now intros [|z d].
Qed.
Lemma zsum_real k (u : list Z) : (sum (map (fun z => IZR z / k)%R u) = IZR (zsum u) / k)%R.
Proof. induction u; simpl; [unfold sum; simpl; lra|]. rewrite sum_cons, IHu, plus_IZR. lra. Qed.
Lemma incoming_row l : extended_rows (map_layer (real s) l) = map row (incoming l).
Proof. apply extended_map. Qed.
Lemma real_nonneg z : 0 <= z -> (0 <= real s z)%R.
Proof. intro H. rewrite <- (real_0 s). now apply real_le. Qed.
Lemma among_ok x r K : limitedb x = true -> (h_free x || forallb (Z.eqb 0) (bias (h_head x))) = true ->
  length (weight (h_head x)) = K -> forallb (fun q => Nat.eqb (length q) r) (weight (h_head x)) = true -> length (bias (h_head x)) = K ->
  head_of r K (h_free x) (option_map (real s) (h_limit x)) (map_layer (real s) (h_head x)).
Proof.
  intros L0 Z0 LW LR LB. unfold head_of, limitedb in *. destruct (h_head x) as [W b]. simpl in *. rewrite !map_length. split; [assumption|]. split; [|split; [assumption|split]].
  - rewrite forallb_forall in LR. apply Forall_forall. intros q I. apply in_map_iff in I as (z & <- & I). rewrite map_length. now apply Nat.eqb_eq, LR.
  - intro NF. rewrite NF in Z0. simpl in Z0. rewrite forallb_forall in Z0. apply Forall_forall. intros q I. apply in_map_iff in I as (z & <- & I).
    apply Z0 in I. apply Z.eqb_eq in I as <-. apply real_0.
  - destruct (h_limit x) as [H|]; simpl; [|constructor]. apply andb_prop in L0 as [L0 L2]. apply andb_prop in L0 as [_ L1].
    assert (one : forall u, forallb (fun v => Z.abs v <=? H) u = true -> Forall (fun z => Rabs z <= real s H)%R (row u)).
    { intros u E. rewrite forallb_forall in E. apply Forall_forall. intros q I. apply in_map_iff in I as (z & <- & I).
      rewrite real_abs by assumption. apply real_le; [assumption|]. apply Z.leb_le. now apply E. }
    split; [|now apply one]. rewrite forallb_forall in L1. apply Forall_forall. intros q I. apply in_map_iff in I as (z & <- & I). apply one. now apply L1.
Qed.

Theorem check_head_sound P0 A B x : check_head_at P0 A B x = true ->
  head_optimum (PR P0) (map_layer (real s) (h_rows x)) (outputs_of A) (h_free x) (option_map (real s) (h_limit x)) (real s (h_lower x)) (real s (h_upper x)).
Proof.
  intro E. unfold check_head_at in E. cbv zeta in E. set (P := balanced P0) in *. set (K := outputs_of A) in *. set (c := context_of e P) in *.
  set (us := transpose 0 K (h_dual x)) in *. set (vs := overs P c us (incoming (h_rows x))) in *. set (bs := bias_overs P (h_free x) us) in *.
  apply andb_prop in E as [E EV]. apply andb_prop in E as [E E0]. apply andb_prop in E as [E ED]. apply andb_prop in E as [E EL].
  apply andb_prop in E as [E EF]. apply andb_prop in E as [E EK]. apply andb_prop in E as [E EC]. apply andb_prop in E as [EP _].
  destruct (problemb_ok s_pos EP) as (HP0 & G0 & _). pose proof (balanced_proper HP0) as HP. fold P in HP.
  assert (G : good_shares P) by exact G0. pose proof (problemb_prices EP) as NP. fold P in NP.
  destruct (iF _ _ _ _) as [f|] eqn:EI; [|discriminate]. destruct (all_some _) as [u|] eqn:EU; [|discriminate]. apply andb_prop in EV as [EV1 EV2].
  pose proof (scale_pos s_pos e_pos) as sp. pose proof (S_pos sp) as s0.
  assert (US : (0 < IZR (unit s))%R) by (apply IZR_lt; now apply unit_pos).
  cbn [chains] in EC. apply andb_prop in EC as [EC1 EC]. apply andb_prop in EC1 as [EC1 BR]. apply andb_prop in EC1 as [RN _].
  apply andb_prop in EC as [EC2 _]. apply andb_prop in EC2 as [EC2 BH]. apply andb_prop in EC2 as [_ RH].
  apply Nat.eqb_eq in BR, BH, EK.
  assert (AM : head_of (length (weight (h_rows x))) K (h_free x) (option_map (real s) (h_limit x)) (map_layer (real s) (h_head x))).
  { apply among_ok; try assumption. now rewrite BH. }
  unfold head_optimum. cbv zeta. rewrite balanced_real. fold P. cbn [map_layer weight]. rewrite map_length. split.
  2: { exists (map_layer (real s) (h_head x)). split; [assumption|].
       pose proof (iF_ok s_pos e_pos G (embed_network_ok s_pos e_pos [h_rows x; h_head x]) EI) as [_ U]. exact (at_most_ok s_pos e_pos U EV2). }
  intros h AH. set (l := map_layer (real s) (h_rows x)) in *.
  assert (DF : dual_fits (PR P) K (map row (h_dual x))).
  { unfold dual_fits. cbn [samples map_problem]. apply (all_pairs_ok (Q := fun j nu => in_domain (map_loss (real s) (loss_of P)) (row (target j)) (label j) (row nu) /\ length (row nu) = K)) in ED.
    - clear - ED. cbn [loss_of map_problem]. induction ED; simpl; constructor; assumption.
    - intros j nu Q. apply andb_prop in Q as [Q1 Q2]. split; [now apply domainb_ok | rewrite map_length; now apply Nat.eqb_eq]. }
  destruct AH as (LW & LR & LB & LF & LL).
  unfold lower_bound in EV1. apply orb_prop in EV1 as [EV1|EV1].
  { apply Z.eqb_eq in EV1 as ->. rewrite real_0. apply (F_at_least_0 HP (w := [l; h]) (K := K)); [discriminate | cbn [last]; rewrite LW, LB; lia|].
    intros CE j I. clear - CE I DF. unfold dual_fits in DF. rewrite CE in DF.
    induction DF as [|j' nu J D [(_ & _ & D1) D2] DF IH]; [easy|]. destruct I as [<-|I]; [now rewrite <- D2 | now apply IH]. }
  apply Z.leb_le, IZR_le in EV1.
  set (V1 := fun d n => (IZR (over_one P c d n) / S p)%R). set (VC := fun n => (IZR (over_column P c us n) / S p)%R).
  set (VB := fun d => (IZR (over_bias P d) / (IZR (unit s) * IZR (unit s)))%R).
  assert (names : dual_pulls (PR P) K (map row (h_dual x)) = map (weighted P) us).
  { unfold dual_pulls, pulls, weighted, us. cbn [samples map_problem]. rewrite map_shares, transpose_map, map_map. reflexivity. }
  assert (KP : 0 <= kappa P).
  { destruct HP as (_ & _ & KP & _). cbn [kappa map_problem] in KP. apply le_IZR. apply Rmult_le_reg_r with (/ IZR (unit s))%R; [now apply Rinv_0_lt_compat|].
    unfold real, Rdiv in KP. fold (unit s) in KP. lra. }
  assert (dn : forall z, (0 <= IZR z / S p)%R <-> 0 <= z).
  { intro z. split; intro H; [apply le_IZR; apply Rmult_le_reg_r with (/ S p)%R; [now apply Rinv_0_lt_compat | unfold Rdiv in H; lra]|].
    apply Rmult_le_pos; [now apply IZR_le | left; now apply Rinv_0_lt_compat]. }
  assert (vs_shape : vs = match penalty_of P with Balanced => [map (over_column P c us) (incoming (h_rows x))]
                          | _ => map (fun d => map (over_one P c d) (incoming (h_rows x))) us end).
  { unfold vs, overs. cbv zeta. destruct (penalty_of P); try (rewrite map_map; apply map_ext; intro d; rewrite map_map; reflexivity).
    f_equal. rewrite map_map. apply map_ext. intro n. unfold over_column. cbn [fst snd]. now rewrite map_map. }
  assert (bound : (- dot (map (@share R) (samples (PR P))) (conjugates (PR P) (map row (h_dual x)))
     - reach (option_map (real s) (h_limit x)) * violations (PR P) K us (incoming (h_rows x)) (h_free x) V1 VC VB <= total (PR P) * F (PR P) [l; h])%R).
  { apply (@head_below (PR P) l K (map row (h_dual x)) (list Z) (list Z) us (incoming (h_rows x)) (weighted P) row (incoming_row (h_rows x))
             (h_free x) (option_map (real s) (h_limit x)) h HP NP DF).
    - unfold l. simpl. now rewrite !map_length.
    - unfold head_of. unfold l. cbn [map_layer weight]. rewrite map_length. auto.
    - unfold limitedb in EL. destruct (h_limit x); simpl; [|constructor]. apply andb_prop in EL as [EL _]. apply andb_prop in EL as [EL _].
      apply real_nonneg. now apply Z.leb_le.
    - exact names.
    - assert (one : forall d n, In d us -> In n (incoming (h_rows x)) ->
          (Rabs (pull (PR P) (weighted P d) (row n)) <= total (PR P) * kappa (PR P) * row_price (PR P) (row n) + V1 d n /\ 0 <= V1 d n)%R).
      { intros d n _ _. split; [now apply over_one_ok | apply dn, over_nonneg]. }
      destruct (penalty_of (PR P)); try exact one. intros n _. split; [now apply over_column_ok | apply dn, over_nonneg].
    - intros _ d _. split; [now apply over_bias_ok|]. unfold VB. apply Rmult_le_pos; [apply IZR_le; unfold over_bias; lia|].
      left. apply Rinv_0_lt_compat. now apply Rmult_lt_0_compat.
    - intro NL. destruct (h_limit x); [discriminate|]. apply andb_prop in E0 as [Z1 Z2]. rewrite forallb_forall in Z1, Z2.
      assert (zero : forall z, (0 =? z) = true -> (IZR z / S p = 0)%R) by (intros z Q; apply Z.eqb_eq in Q as <-; lra).
      split.
      + rewrite vs_shape in Z1. cbn [penalty_of map_problem].
        assert (one : (forall r, In r (map (fun d => map (over_one P c d) (incoming (h_rows x))) us) -> forallb (Z.eqb 0) r = true) ->
                  forall d n, In d us -> In n (incoming (h_rows x)) -> V1 d n = 0%R).
        { intros H d n I I'. apply zero. specialize (H _ (in_map (fun d => map (over_one P c d) (incoming (h_rows x))) _ _ I)). rewrite forallb_forall in H.
          apply H. now apply in_map. }
        destruct (penalty_of P); try (now apply one). intros n I. apply zero. specialize (Z1 _ (or_introl eq_refl)). rewrite forallb_forall in Z1.
        apply Z1. now apply in_map.
      + intros FR d I. unfold bs, bias_overs in Z2. rewrite FR in Z2. specialize (Z2 _ (in_map (over_bias P) _ _ I)). apply Z.eqb_eq in Z2. unfold VB.
        rewrite <- Z2. unfold Rdiv. ring. }
  (* The numbers. *)
  assert (T0 : (0 < total (PR P))%R) by (destruct HP as (_ & _ & _ & _ & H); exact H).
  destruct G as [GN GT].
  assert (CONJ : (dot (map (@share R) (samples (PR P))) (conjugates (PR P) (map row (h_dual x))) * S p <= total (PR P) * IZR (hi (imean (c_shares c) u)))%R).
  { assert (HU : holds u (conjugates (PR P) (map row (h_dual x)))).
    { unfold conjugates. cbn [samples map_problem]. clear - EU s_pos e_pos. revert u EU. unfold c. cbn [c_samples c_loss context_of]. generalize (h_dual x).
      induction (samples P) as [|j J IH]; intros [|nu D] u EU; simpl in *; try (injection EU as <-; constructor).
      destruct (iconjugate _ _ _ _) as [a|] eqn:EA; [|discriminate]. destruct (all_some _) as [u'|] eqn:EU'; [|discriminate]. injection EU as <-.
      constructor; [|now apply IH]. apply (iconjugate_ok EA); [now apply embed_loss_ok | now apply embed_list_ok ..]. }
    pose proof (imean_ok s_pos (e := e) GN GT HU) as [_ M]. cbn [samples map_problem]. rewrite map_shares.
    cbn [c_shares c context_of]. unfold mean in M. rewrite <- (map_shares s P) in M at 2. change (sum (map (@share R) (map (map_sample (real s)) (samples P)))) with (total (PR P)) in M.
    apply Rmult_le_compat_l with (r := total (PR P)) in M; [|lra].
    eapply Rle_trans; [right|exact M]. unfold Rdiv. rewrite <- Rmult_assoc. field. lra. }
  assert (GAIN : (violations (PR P) K us (incoming (h_rows x)) (h_free x) V1 VC VB * S p <= IZR (gain (penalty_of P) (length (weight (h_head x))) vs bs))%R).
  { unfold violations, gain. cbv zeta. rewrite plus_IZR, Rmult_plus_distr_r, EK. apply Rplus_le_compat.
    - assert (one : (sum (map (fun d => sum (map (V1 d) (incoming (h_rows x)))) us) * S p = IZR (zsum (map zsum (map (fun d => map (over_one P c d) (incoming (h_rows x))) us))))%R).
      { rewrite map_map. replace (sum (map (fun d => sum (map (V1 d) (incoming (h_rows x)))) us))
          with (sum (map (fun z => IZR z / S p)%R (map (fun d => zsum (map (over_one P c d) (incoming (h_rows x)))) us))).
        - rewrite zsum_real. field. lra.
        - rewrite map_map. f_equal. apply map_ext. intro d. rewrite <- zsum_real, map_map. reflexivity. }
      rewrite vs_shape. cbn [penalty_of map_problem]. destruct (penalty_of P); try (rewrite one; apply Rle_refl).
      cbn [map zsum fold_right]. rewrite Z.add_0_r. fold (zsum (map (over_column P c us) (incoming (h_rows x)))).
      set (v := zsum (map (over_column P c us) (incoming (h_rows x)))).
      assert (VE : (sum (map VC (incoming (h_rows x))) = IZR v / S p)%R) by (unfold v; rewrite <- zsum_real, map_map; reflexivity).
      rewrite VE. replace (sqrt (INR K) * (IZR v / S p) * S p)%R with (sqrt (INR K) * IZR v)%R by (field; lra).
      assert (V0 : 0 <= Z.of_nat K * (v * v)) by nia. destruct (sqrt_up_ge V0) as [Q1 Q2]. apply IZR_le in Q1, Q2.
      apply le_of_squares; [assumption|]. rewrite !mult_IZR, <- INR_IZR_INZ in Q1.
      replace (sqrt (INR K) * IZR v * (sqrt (INR K) * IZR v))%R with (sqrt (INR K) * sqrt (INR K) * (IZR v * IZR v))%R by ring.
      rewrite sqrt_sqrt by apply pos_INR. lra.
    - unfold bs, bias_overs. destruct (h_free x); [|simpl; lra]. rewrite map_map. clear - US s0 s_pos e_pos.
      induction us as [|d ds IH]; [unfold sum; simpl; lra|]. cbn [map zsum fold_right]. rewrite sum_cons, plus_IZR, Rmult_plus_distr_r. apply Rplus_le_compat; [|exact IH].
      unfold VB. pose proof (@shift_up_ge s s_pos (Z.shiftl (over_bias P d) e)) as Q. rewrite Z.shiftl_mul_pow2, mult_IZR in Q by lia.
      unfold S at 1 in Q. fold (unit s) in Q. apply Rmult_le_reg_r with (IZR (unit s)); [assumption|]. rewrite Z.shiftl_mul_pow2 in * by lia.
      eapply Rle_trans; [right|exact Q]. unfold S, scale. rewrite Z.pow_add_r, mult_IZR by lia. fold (unit s). field. lra. }
  apply Rmult_le_reg_r with (S p); [assumption|]. rewrite <- (shift_real s_pos e_pos).
  eapply Rle_trans; [exact EV1|]. rewrite !minus_IZR, opp_IZR. set (m := hi (imean (c_shares c) u)) in *.
  set (v := gain _ _ _ _) in *. set (viol := violations _ _ _ _ _ _ _ _) in *.
  apply Rmult_le_reg_l with (total (PR P)); [assumption|].
  enough ((reach (option_map (real s) (h_limit x)) * viol) * S p <= total (PR P) *
      IZR (match h_limit x with Some H => div_up (H * v) (zsum (c_shares c)) | None => 0 end))%R.
  { apply Rmult_le_compat_r with (r := S p) in bound; [|lra]. lra. }
  destruct (h_limit x) as [H|] eqn:EH; simpl; [|lra].
  assert (H0 : 0 <= H). { unfold limitedb in EL. rewrite EH in EL. apply andb_prop in EL as [EL _]. apply andb_prop in EL as [EL _]. now apply Z.leb_le. }
  change (zsum (c_shares c)) with (zsum (map (@share Z) (samples P))). rewrite total_real.
  pose proof (@div_up_ge (H * v) (zsum (map (@share Z) (samples P))) GT) as Q. rewrite mult_IZR in Q.
  apply Rle_trans with (real s H * IZR v)%R.
  - rewrite Rmult_assoc. apply Rmult_le_compat_l; [now apply real_nonneg | assumption].
  - unfold real. fold (unit s). unfold Rdiv. rewrite (Rmult_comm (IZR H)), (Rmult_comm (IZR (zsum _))), !Rmult_assoc.
    apply Rmult_le_compat_l; [left; now apply Rinv_0_lt_compat | rewrite (Rmult_comm (IZR (zsum _))); exact Q].
Qed.
End Head.

Definition check_head (s : Z) (P : problem Z) (A B : network Z) (x : head_claim) : bool :=
  (0 <=? s) && existsb (fun e => check_head_at s e P A B x) (precisions s).
(** The main theorem of this file: what is accepted is true, as Spec.v states it. *)
Theorem head_optimum_checked s P A B x : check_head s P A B x = true ->
  head_optimum (map_problem (real s) P) (map_layer (real s) (h_rows x)) (outputs_of A) (h_free x) (option_map (real s) (h_limit x))
    (real s (h_lower x)) (real s (h_upper x)).
Proof.
  intro E. apply andb_prop in E as [S E]. apply Z.leb_le in S. apply existsb_exists in E as (e & I & E).
  apply (check_head_sound S (precisions_pos S I) E).
Qed.
