(** * The chord lemma: F on any straight segment, in any depth (docs/mathematics.md, section 2)

    Each quantity of the network is tracked along the segment: its values at both ends, and how far it may lie below and above its chord. *)
From Coq Require Import Reals List ZArith Bool Lia Lra.
From Proofs Require Import Spec Convex Moves Fixed Eval.
Import ListNotations.
Set Implicit Arguments.
Unset Strict Implicit.
Open Scope R_scope.

(** ** The lemma for an activation *)
Lemma sigma_slope a x d : 0 <= a < 1 -> (d <= 0 -> d <= sigma a (x + d) - sigma a x <= a * d) /\ (0 <= d -> a * d <= sigma a (x + d) - sigma a x <= d).
Proof. intros [A B]. unfold sigma, Rmax. repeat destruct Rle_dec; split; intro; nra. Qed.
Lemma sigma_convex a : 0 <= a < 1 -> convex (sigma a).
Proof. intros [A B] t x y [W1 W2]. unfold sigma, lerp, Rmax. repeat destruct Rle_dec; nra. Qed.
Lemma sigma_pos a x : 0 <= a < 1 -> 0 <= x -> sigma a x = x.
Proof. intros [A B] H. unfold sigma, Rmax. destruct Rle_dec; nra. Qed.
Lemma sigma_neg a x : 0 <= a < 1 -> x <= 0 -> sigma a x = a * x.
Proof. intros [A B] H. unfold sigma, Rmax. destruct Rle_dec; nra. Qed.
(** The activation lies at most [(1-a) A B / (A+B)] below its chord. *)
Lemma sigma_kink a t u v A B k : 0 <= a < 1 -> within t -> Rabs u <= A -> Rabs v <= B -> 0 < A + B -> (1 - a) * (A * B) <= k * (A + B) ->
  lerp t (sigma a u) (sigma a v) - k <= sigma a (lerp t u v).
Proof.
  intros Ha [W1 W2] HA HB P K.
  assert (core : forall x y A B t, 0 <= t <= 1 -> 0 <= x <= A -> 0 <= y <= B -> 0 < A + B -> (1 - a) * (A * B) <= k * (A + B) ->
    ((1 - t) * x <= t * y -> (1 - a) * ((1 - t) * x) <= k) /\ (t * y <= (1 - t) * x -> (1 - a) * (t * y) <= k)).
  { clear - Ha. intros x y A B t T X Y P K. split; intro H.
    - assert ((1 - t) * x * (A + B) <= A * B).
      { assert ((1 - t) * x * A <= t * B * A) by (apply Rmult_le_compat_r; nra).
        assert ((1 - t) * x * B <= (1 - t) * A * B) by (apply Rmult_le_compat_r; nra). lra. }
      apply Rmult_le_reg_r with (A + B); [assumption|].
      apply Rle_trans with ((1 - a) * (A * B)); [|assumption]. rewrite !Rmult_assoc. apply Rmult_le_compat_l; [lra|]. lra.
    - assert (t * y * (A + B) <= A * B).
      { assert (t * y * B <= (1 - t) * A * B) by (apply Rmult_le_compat_r; nra).
        assert (t * y * A <= t * B * A) by (apply Rmult_le_compat_r; nra). lra. }
      apply Rmult_le_reg_r with (A + B); [assumption|].
      apply Rle_trans with ((1 - a) * (A * B)); [|assumption]. rewrite !Rmult_assoc. apply Rmult_le_compat_l; [lra|]. lra. }
  assert (K0 : 0 <= k).
  { pose proof (Rabs_pos u). pose proof (Rabs_pos v). destruct (Rle_dec 0 k); [assumption|]. exfalso.
    assert (0 <= (1 - a) * (A * B)) by (apply Rmult_le_pos; [lra | apply Rmult_le_pos; lra]). nra. }
  destruct (Rle_dec 0 u) as [U|U], (Rle_dec 0 v) as [V|V].
  - rewrite !sigma_pos; try assumption; unfold lerp; nra.
  - rewrite (sigma_pos Ha U), (sigma_neg Ha (x := v)) by lra. rewrite Rabs_pos_eq in HA by assumption. rewrite Rabs_left1 in HB by lra.
    destruct (core (- v) u B A (1 - t)) as [C1 C2]; try lra.
    unfold lerp. destruct (Rle_dec 0 ((1 - t) * u + t * v)) as [Q|Q].
    + rewrite sigma_pos by assumption. assert ((1 - (1 - t)) * - v <= (1 - t) * u) by lra. specialize (C1 H). lra.
    + rewrite sigma_neg by lra. assert ((1 - t) * u <= (1 - (1 - t)) * - v) by lra. specialize (C2 H). lra.
  - rewrite (sigma_neg Ha (x := u)), (sigma_pos Ha V) by lra. rewrite Rabs_left1 in HA by lra. rewrite Rabs_pos_eq in HB by assumption.
    destruct (core (- u) v A B t) as [C1 C2]; try lra.
    unfold lerp. destruct (Rle_dec 0 ((1 - t) * u + t * v)) as [Q|Q].
    + rewrite sigma_pos by assumption. assert ((1 - t) * - u <= t * v) by lra. specialize (C1 H). lra.
    + rewrite sigma_neg by lra. assert (t * v <= (1 - t) * - u) by lra. specialize (C2 H). lra.
  - rewrite !sigma_neg; try lra; unfold lerp; nra.
Qed.
Lemma sigma_linear a t u v : 0 <= a < 1 -> within t -> (0 <= u /\ 0 <= v) \/ (u <= 0 /\ v <= 0) ->
  sigma a (lerp t u v) = lerp t (sigma a u) (sigma a v).
Proof.
  intros Ha [W1 W2] [[U V]|[U V]].
  - rewrite !sigma_pos; try assumption; unfold lerp; nra.
  - rewrite !sigma_neg; try assumption; unfold lerp; nra.
Qed.

(** ** Tracked quantities *)
Record track := Track { start : itv; stop : itv; low : Z; high : Z }.

Section Scale.
Variable p : Z.
Hypothesis p_pos : (0 <= p)%Z.
Notation contains := (contains p).
Notation holds := (Forall2 contains).
Notation S := (S p).
Variable t : R.
Hypothesis W : within t.

Definition tracks (T : track) (x y z : R) : Prop :=
  contains (start T) x /\ contains (stop T) y /\ (0 <= low T)%Z /\ (0 <= high T)%Z /\
  - IZR (low T) <= (z - lerp t x y) * S <= IZR (high T).
Inductive tracks_list : list track -> list R -> list R -> list R -> Prop :=
| tracks_nil : tracks_list [] [] [] []
| tracks_cons T x y z Ts xs ys zs : tracks T x y z -> tracks_list Ts xs ys zs -> tracks_list (T :: Ts) (x :: xs) (y :: ys) (z :: zs).

(** ** Activations *)
Definition magnitude (a : itv) : Z := Z.max (- lo a) (hi a).
Definition one_sign (x y : itv) : bool :=
  ((0 <=? lo x) && (0 <=? lo y) || (hi x <=? 0) && (hi y <=? 0))%Z.
Definition kink (a : itv) (x y : itv) : Z :=
  if one_sign x y then 0%Z else
  let A := magnitude x in let B := magnitude y in
  if (0 <? A + B)%Z then Z.max 0 (shift_up p ((2 ^ p - lo a) * div_up (A * B) (A + B))) else 0%Z.
Definition tsigma (a : itv) (T : track) : track :=
  let x := start T in let y := stop T in
  let dead := ((hi x + high T <=? 0) && (hi y + high T <=? 0))%Z in
  let damp z := if dead then Z.max 0 (shift_up p (hi a * z)) else z in
  Track (isigma p a x) (isigma p a y) (damp (low T) + kink a x y) (damp (high T)).

Lemma magnitude_ok i x : contains i x -> Rabs x * S <= IZR (magnitude i).
Proof.
  intros [A B]. pose proof (S_pos p_pos). unfold magnitude. pose proof (IZR_le _ _ (Z.le_max_l (- lo i) (hi i))) as L.
  pose proof (IZR_le _ _ (Z.le_max_r (- lo i) (hi i))). rewrite opp_IZR in L.
  unfold Rabs; destruct (Rcase_abs x); lra.
Qed.
Lemma kink_ok a i j a' x y : contains a a' -> 0 <= a' < 1 -> contains i x -> contains j y ->
  (0 <= kink a i j)%Z /\ lerp t (sigma a' x) (sigma a' y) * S - IZR (kink a i j) <= sigma a' (lerp t x y) * S.
Proof.
  intros HA A X Y. pose proof (S_pos p_pos) as s. unfold kink. destruct (one_sign i j) eqn:O.
  - split; [lia|]. rewrite (sigma_linear A W); [lra|]. unfold one_sign in O. destruct X as [X1 X2], Y as [Y1 Y2].
    apply orb_prop in O as [O|O]; apply andb_prop in O as [O1 O2]; apply Z.leb_le in O1, O2; apply IZR_le in O1, O2;
      [left|right]; split; apply Rmult_le_reg_r with S; lra.
  - pose proof (magnitude_ok X) as MX. pose proof (magnitude_ok Y) as MY.
    destruct (Z.ltb_spec 0 (magnitude i + magnitude j)) as [P|P].
    + split; [lia|]. set (K := Z.max 0 _). set (Q := div_up (magnitude i * magnitude j) (magnitude i + magnitude j)) in *.
      enough (lerp t (sigma a' x) (sigma a' y) - IZR K / S <= sigma a' (lerp t x y)) as E.
      { apply Rmult_le_compat_r with (r := S) in E; [|lra]. unfold Rdiv in E. rewrite Rmult_minus_distr_r, Rmult_assoc, Rinv_l in E by lra. lra. }
      apply sigma_kink with (A := IZR (magnitude i) / S) (B := IZR (magnitude j) / S); try assumption.
      * apply Rmult_le_reg_r with S; [assumption|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. lra.
      * apply Rmult_le_reg_r with S; [assumption|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. lra.
      * rewrite <- Rdiv_plus_distr, <- plus_IZR. unfold Rdiv. apply Rmult_lt_0_compat; [now apply IZR_lt | now apply Rinv_0_lt_compat].
      * pose proof (@div_up_ge (magnitude i * magnitude j) _ P) as D. fold Q in D. rewrite mult_IZR, plus_IZR in D.
        assert (IZR ((2 ^ p - lo a) * Q) <= IZR K * S) as KK.
        { apply Rle_trans with (IZR (shift_up p ((2 ^ p - lo a) * Q)) * S); [now apply shift_up_ge|].
          apply Rmult_le_compat_r; [lra|]. apply IZR_le. unfold K. apply Z.le_max_r. }
        rewrite mult_IZR, minus_IZR in KK. fold S in KK. change (IZR (2 ^ p)) with S in KK.
        apply IZR_lt in P. rewrite plus_IZR in P. destruct HA as [HA1 HA2].
        pose proof (Rle_trans _ _ _ (Rmult_le_pos _ _ (Rabs_pos x) (Rlt_le _ _ s)) MX) as M0.
        pose proof (Rle_trans _ _ _ (Rmult_le_pos _ _ (Rabs_pos y) (Rlt_le _ _ s)) MY) as N0.
        set (M := IZR (magnitude i)) in *. set (N := IZR (magnitude j)) in *. set (q := IZR Q) in *. set (k := IZR K) in *.
        assert (MN : 0 <= M * N) by now apply Rmult_le_pos.
        assert (q0 : 0 <= q).
        { destruct (Rle_dec 0 q); [assumption|]. exfalso. assert (q * (M + N) < 0) by nra. lra. }
        assert (E1 : (1 - a') * S * q <= k * S) by (apply Rle_trans with ((S - IZR (lo a)) * q); [apply Rmult_le_compat_r; lra | lra]).
        assert (E2 : (1 - a') * q <= k) by (apply Rmult_le_reg_r with S; lra).
        assert (E3 : (1 - a') * (M * N) <= k * (M + N)).
        { apply Rle_trans with ((1 - a') * (q * (M + N))); [apply Rmult_le_compat_l; lra|].
          apply Rle_trans with (((1 - a') * q) * (M + N)); [lra|]. apply Rmult_le_compat_r; lra. }
        replace ((1 - a') * (M / S * (N / S))) with ((1 - a') * (M * N) / S / S) by (field; lra).
        replace (k / S * (M / S + N / S)) with (k * (M + N) / S / S) by (field; lra).
        unfold Rdiv. do 2 (apply Rmult_le_compat_r; [left; now apply Rinv_0_lt_compat|]). assumption.
    + split; [lia|]. apply IZR_le in P. rewrite plus_IZR in P.
      pose proof (Rabs_pos x). pose proof (Rabs_pos y).
      assert (null : forall z, Rabs z * S <= 0 -> z = 0).
      { intros z Z0. destruct (Req_dec z 0) as [|n]; [assumption|]. apply Rabs_pos_lt in n. nra. }
      assert (x = 0) as -> by (apply null; nra). assert (y = 0) as -> by (apply null; nra).
      rewrite !lerp_same. lra.
Qed.
Lemma tsigma_ok a T a' x y z : contains a a' -> 0 <= a' < 1 -> tracks T x y z ->
  tracks (tsigma a T) (sigma a' x) (sigma a' y) (sigma a' z).
Proof.
  intros HA A (X & Y & L & H & D). pose proof (S_pos p_pos) as s.
  destruct (kink_ok HA A X Y) as [K0 K]. unfold tracks, tsigma; cbn [start stop low high].
  set (c := lerp t x y) in *. set (d := z - c) in *. replace z with (c + d) in * by (unfold d; ring).
  pose proof (sigma_convex A x y W) as V. fold c in V.
  destruct (sigma_slope c d A) as [S1 S2].
  split; [now apply isigma_ok|]. split; [now apply isigma_ok|].
  destruct (_ && _)%bool eqn:dead.
  - apply andb_prop in dead as [D1 D2]. apply Z.leb_le, IZR_le in D1, D2. rewrite plus_IZR in D1, D2.
    split; [lia|]. split; [lia|]. rewrite plus_IZR.
    assert (N : c <= 0 /\ c + d <= 0).
    { destruct X as [_ X], Y as [_ Y]. apply IZR_le in H.
      assert (x * S + IZR (high T) <= 0) by lra. assert (y * S + IZR (high T) <= 0) by lra.
      assert (c * S + IZR (high T) <= 0).
      { unfold c, lerp. destruct W. nra. }
      split; apply Rmult_le_reg_r with S; lra. }
    destruct N as [N1 N2]. rewrite (sigma_neg A N2). rewrite (sigma_neg A N1) in V, K.
    assert (damp : forall m, (0 <= m)%Z -> a' * IZR m <= IZR (Z.max 0 (shift_up p (hi a * m)))).
    { intros m M. apply Rle_trans with (IZR (shift_up p (hi a * m))); [|apply IZR_le, Z.le_max_r].
      pose proof (@shift_up_ge p p_pos (hi a * m)) as G. rewrite mult_IZR in G. apply IZR_le in M. destruct HA as [_ HA].
      apply Rmult_le_reg_r with S; [assumption|]. apply Rle_trans with (IZR (hi a) * IZR m); [|assumption].
      replace (a' * IZR m * S) with (a' * S * IZR m) by ring. apply Rmult_le_compat_r; assumption. }
    pose proof (damp _ L). pose proof (damp _ H). apply IZR_le in L, H.
    assert (- (a' * IZR (low T)) <= a' * (d * S) <= a' * IZR (high T)) by nra. split; nra.
  - split; [lia|]. split; [assumption|]. rewrite plus_IZR. apply IZR_le in L, H.
    assert (- IZR (low T) <= (sigma a' (c + d) - sigma a' c) * S <= IZR (high T)).
    { destruct (Rle_dec d 0) as [N|N].
      - specialize (S1 N). assert (0 <= a' * (- d) * S) by (apply Rmult_le_pos; [apply Rmult_le_pos|]; lra).
        assert (d * S <= (sigma a' (c + d) - sigma a' c) * S <= a' * d * S) by (split; apply Rmult_le_compat_r; lra). lra.
      - assert (0 <= d) as N' by lra. specialize (S2 N'). assert (0 <= a' * d * S) by (apply Rmult_le_pos; [apply Rmult_le_pos|]; lra).
        assert (a' * d * S <= (sigma a' (c + d) - sigma a' c) * S <= d * S) by (split; apply Rmult_le_compat_r; lra). lra. }
    split; nra.
Qed.

(** ** Layers *)
Record total := Total { at_start : itv; at_stop : itv; below : Z; above : Z; cross : itv }.
Definition nothing : total := Total zero zero 0 0 zero.
Definition above_zero (x y : itv) : Z := Z.max 0 (Z.max (hi x) (hi y)).
Fixpoint tdot (r q : list itv) (h : list track) : total :=
  match r, q, h with
  | w :: r', v :: q', T :: h' =>
      let rest := tdot r' q' h' in
      let plus := above_zero w v in
      let minus := above_zero (opp w) (opp v) in
      Total (add (prod w (start T)) (at_start rest)) (add (prod v (stop T)) (at_stop rest))
            (low T * plus + high T * minus + below rest) (high T * plus + low T * minus + above rest)
            (add (prod (sub v w) (sub (stop T) (start T))) (cross rest))
  | _, _, _ => nothing
  end.
(** x/4 at scale 2p, rounded up to scale p. *)
Definition quarter_up (z : Z) : Z := (- Z.shiftr (- z) (p + 2))%Z.
Definition tneuron (r q : list itv) (x y : itv) (h : list track) : track :=
  let d := tdot r q h in
  Track (add (round p (at_start d)) x) (add (round p (at_stop d)) y)
        (quarter_up (4 * below d + Z.max 0 (hi (cross d)))) (quarter_up (4 * above d + Z.max 0 (- lo (cross d)))).
Fixpoint trows (R0 R1 : list (list itv)) (b c : list itv) (h : list track) : list track :=
  match R0, R1, b, c with
  | r :: R0', q :: R1', x :: b', y :: c' => tneuron r q x y h :: trows R0' R1' b' c' h
  | _, _, _, _ => []
  end.
Definition taffine (l m : layer itv) (h : list track) : list track := trows (weight l) (weight m) (bias l) (bias m) h.

Lemma quarter_up_ge z : (0 <= z)%Z -> (0 <= quarter_up z)%Z /\ IZR z <= 4 * IZR (quarter_up z) * S.
Proof.
  intro H. unfold quarter_up. rewrite Z.shiftr_div_pow2 by lia.
  assert (P : (0 < 2 ^ (p + 2))%Z) by (apply Z.pow_pos_nonneg; lia).
  pose proof (@div_up_ge z (2 ^ (p + 2)) P) as D. unfold div_up in D. split.
  - assert (- z / 2 ^ (p + 2) <= 0)%Z; [|lia]. apply Z.div_le_upper_bound; lia.
  - assert (IZR (2 ^ (p + 2)) = 4 * S) as E by (rewrite Z.pow_add_r, mult_IZR by lia; unfold Fixed.S; simpl (2 ^ 2)%Z; lra).
    rewrite E in D. lra.
Qed.
Definition totals (d : total) (x y z : R) : Prop :=
  contains2 p (at_start d) x /\ contains2 p (at_stop d) y /\ (0 <= below d)%Z /\ (0 <= above d)%Z /\
  exists E C, z = lerp t x y + E - t * (1 - t) * C /\ - IZR (below d) <= E * S * S <= IZR (above d) /\ contains2 p (cross d) C.
Lemma nothing_ok : totals nothing 0 0 0.
Proof.
  unfold totals, contains2; simpl. repeat split; try lra; try lia. exists 0, 0. rewrite lerp_same. repeat split; simpl; lra.
Qed.
Lemma above_zero_ok w v x y : contains w x -> contains v y ->
  0 <= IZR (above_zero w v) /\ lerp t x y * S <= IZR (above_zero w v).
Proof.
  intros [_ X] [_ Y]. unfold above_zero.
  pose proof (IZR_le _ _ (Z.le_max_l 0 (Z.max (hi w) (hi v)))). pose proof (IZR_le _ _ (Z.le_max_r 0 (Z.max (hi w) (hi v)))).
  pose proof (IZR_le _ _ (Z.le_max_l (hi w) (hi v))). pose proof (IZR_le _ _ (Z.le_max_r (hi w) (hi v))).
  split; [assumption|]. replace (lerp t x y * S) with (lerp t (x * S) (y * S)) by (unfold lerp; ring).
  apply lerp_max; [assumption | lra | lra].
Qed.
Lemma bilinear a b mi pl lw hg : 0 <= mi -> 0 <= pl -> 0 <= lw -> 0 <= hg -> - mi <= a <= pl -> - lw <= b <= hg ->
  - (lw * pl + hg * mi) <= a * b <= hg * pl + lw * mi.
Proof.
  intros M P L H A B. assert (0 <= lw * pl) by now apply Rmult_le_pos. assert (0 <= hg * mi) by now apply Rmult_le_pos.
  assert (0 <= hg * pl) by now apply Rmult_le_pos. assert (0 <= lw * mi) by now apply Rmult_le_pos.
  destruct (Rle_dec 0 a).
  - assert (a * - lw <= a * b <= a * hg) by (split; apply Rmult_le_compat_l; lra).
    assert (a * lw <= pl * lw) by (apply Rmult_le_compat_r; lra). assert (a * hg <= pl * hg) by (apply Rmult_le_compat_r; lra). lra.
  - assert (- a * - lw <= - a * b <= - a * hg) by (split; apply Rmult_le_compat_l; lra).
    assert (- a * lw <= mi * lw) by (apply Rmult_le_compat_r; lra). assert (- a * hg <= mi * hg) by (apply Rmult_le_compat_r; lra). lra.
Qed.
Lemma tdot_ok r q h r' q' xs ys zs : holds r r' -> holds q q' -> length r' = length q' -> tracks_list h xs ys zs ->
  totals (tdot r q h) (dot r' xs) (dot q' ys) (dot (map2 (lerp t) r' q') zs).
Proof.
  intros HR. revert q q' h xs ys zs. induction HR as [|w w' r r' Hw HR IH]; intros q q' h xs ys zs HQ L H.
  - destruct q'; [|discriminate]. inversion HQ; subst. simpl. rewrite !dot_nil_l. apply nothing_ok.
  - destruct HQ as [|v v' q q' Hv HQ]; [discriminate|]. injection L as L.
    destruct H as [|T x y z Ts xs ys zs HT H]; [simpl; rewrite !dot_nil_r; apply nothing_ok|].
    specialize (IH _ _ _ _ _ _ HQ L H). destruct IH as (I1 & I2 & I3 & I4 & E & C & I5 & I6 & I7).
    destruct HT as (T1 & T2 & T3 & T4 & T5). pose proof (S_pos p_pos) as s.
    destruct (above_zero_ok Hw Hv) as [P0 P1]. destruct (above_zero_ok (opp_ok Hw) (opp_ok Hv)) as [M0 M1].
    cbn [tdot map2]. rewrite !dot_cons. unfold totals; cbn [at_start at_stop below above cross].
    set (plus := above_zero w v) in *. set (minus := above_zero (opp w) (opp v)) in *.
    assert (0 <= plus)%Z by now apply le_IZR. assert (0 <= minus)%Z by now apply le_IZR.
    split; [apply add2_ok; [now apply prod_ok | assumption]|].
    split; [apply add2_ok; [now apply prod_ok | assumption]|].
    split; [nia|]. split; [nia|].
    set (m := lerp t w' v') in *. set (d := z - lerp t x y) in *.
    exists (m * d + E), ((v' - w') * (y - x) + C). split; [|split].
    + rewrite I5. replace z with (lerp t x y + d) by (unfold d; ring). unfold m, lerp. ring.
    + rewrite !plus_IZR, !mult_IZR. apply IZR_le in T3, T4.
      replace (lerp t (- w') (- v')) with (- m) in M1 by (unfold m, lerp; ring).
      replace (- m * S) with (- (m * S)) in M1 by ring.
      replace ((m * d + E) * S * S) with ((m * S) * (d * S) + E * S * S) by ring.
      set (a := m * S) in *. set (b := d * S) in *. assert (- IZR minus <= a <= IZR plus) by lra.
      set (lw := IZR (low T)) in *. set (hg := IZR (high T)) in *.
      enough (- (lw * IZR plus + hg * IZR minus) <= a * b <= hg * IZR plus + lw * IZR minus) by lra.
      apply bilinear; assumption.
    + apply add2_ok; [|assumption]. apply prod_ok; now apply sub_ok.
Qed.
Lemma quarter_bound C m : 0 <= m -> C <= m -> t * (1 - t) * C <= m / 4.
Proof.
  intros M0 H. destruct W. assert (t * (1 - t) <= / 4) by (pose proof (pow2_ge_0 (t - / 2)); nra). assert (0 <= t * (1 - t)) by nra.
  apply Rle_trans with (t * (1 - t) * m); nra.
Qed.
Lemma tneuron_ok r q h r' q' x y x' y' xs ys zs : holds r r' -> holds q q' -> length r' = length q' -> contains x x' -> contains y y' ->
  tracks_list h xs ys zs ->
  tracks (tneuron r q x y h) (dot r' xs + x') (dot q' ys + y') (dot (map2 (lerp t) r' q') zs + lerp t x' y').
Proof.
  intros HR HQ L X Y H. destruct (tdot_ok HR HQ L H) as (D1 & D2 & D3 & D4 & E & C & D5 & D6 & D7).
  pose proof (S_pos p_pos) as s. unfold tracks, tneuron; cbn [start stop low high]. set (d := tdot r q h) in *.
  destruct (@quarter_up_ge (4 * below d + Z.max 0 (hi (cross d)))) as [Q1 Q2]; [lia|].
  destruct (@quarter_up_ge (4 * above d + Z.max 0 (- lo (cross d)))) as [Q3 Q4]; [lia|].
  split; [apply add_ok; [now apply round_ok | assumption]|].
  split; [apply add_ok; [now apply round_ok | assumption]|].
  split; [assumption|]. split; [assumption|]. rewrite D5.
  match goal with |- _ <= ?g * S <= _ => replace g with (E - t * (1 - t) * C) by (unfold lerp; ring) end.
  rewrite plus_IZR, mult_IZR in Q2, Q4. destruct D7 as [C1 C2].
  assert (U : t * (1 - t) * (C * S * S) <= IZR (Z.max 0 (hi (cross d))) / 4).
  { apply quarter_bound; [apply IZR_le, Z.le_max_l|]. apply Rle_trans with (IZR (hi (cross d))); [assumption | apply IZR_le, Z.le_max_r]. }
  assert (V : t * (1 - t) * (- (C * S * S)) <= IZR (Z.max 0 (- lo (cross d))) / 4).
  { apply quarter_bound; [apply IZR_le, Z.le_max_l|]. apply Rle_trans with (IZR (- lo (cross d))); [rewrite opp_IZR; lra | apply IZR_le, Z.le_max_r]. }
  split; apply Rmult_le_reg_r with S; try assumption; lra.
Qed.
Lemma taffine_ok l m h l' m' xs ys zs : holds_layer p l l' -> holds_layer p m m' -> same_layer l' m' -> tracks_list h xs ys zs ->
  tracks_list (taffine l m h) (affine l' xs) (affine m' ys) (affine (lerp_layer t l' m') zs).
Proof.
  destruct l as [R0 b], m as [R1 c], l' as [R0' b'], m' as [R1' c'].
  unfold holds_layer, same_layer, taffine, affine, lerp_layer; simpl. intros [HR Hb] [HQ Hc] [SR Sb] H.
  revert R1 R1' b b' c c' HQ Hb Hc SR Sb. induction HR as [|r r' R0 R0' Hr HR IH]; intros R1 R1' b b' c c' HQ Hb Hc SR Sb.
  - inversion SR; subst. simpl. constructor.
  - inversion SR as [|? q' ? R1'' Lr SR' E1 E2]; subst. inversion HQ as [|q ? R1t ? Hq HQ' E3 E4]; subst.
    destruct Hb as [|x x' b b' Hx Hb]; [destruct c'; [|discriminate]; inversion Hc; subst; simpl; constructor|].
    destruct c' as [|y' c']; [discriminate|]. inversion Hc as [|y ? ct ? Hy Hc' E5 E6]; subst. injection Sb as Sb.
    simpl. constructor; [now apply tneuron_ok | now apply IH].
Qed.

(** The first layer reads fixed inputs: its pre-activations are affine in t. *)
Definition track_of (x y : itv) : track := Track x y 0 0.
Definition tfirst (l m : layer itv) (x : list itv) : list track := map2 track_of (iaffine p l x) (iaffine p m x).
Lemma tfirst_ok l m x l' m' x' : holds_layer p l l' -> holds_layer p m m' -> same_layer l' m' -> holds x x' ->
  tracks_list (tfirst l m x) (affine l' x') (affine m' x') (affine (lerp_layer t l' m') x').
Proof.
  intros HL HM SL HX. pose proof (iaffine_ok p_pos HL HX) as A. pose proof (iaffine_ok p_pos HM HX) as B.
  assert (C : affine (lerp_layer t l' m') x' = map2 (lerp t) (affine l' x') (affine m' x')).
  { destruct l' as [R0 b], m' as [R1 c], SL as [SR Sb]. unfold affine, lerp_layer; simpl in *. clear - SR Sb. revert b c Sb.
    induction SR as [|r q R0 R1 L SR IH]; intros [|y b] [|z c] E; try discriminate; simpl; try reflexivity.
    rewrite IH by (now injection E). f_equal. rewrite dot_comm, dot_lerp_r by assumption. rewrite !(dot_comm x'). unfold lerp; ring. }
  rewrite C. unfold tfirst. assert (L : length (affine l' x') = length (affine m' x')).
  { destruct SL as [SR Sb]. unfold affine. rewrite !map2_length, Sb, (same_rows_length SR). reflexivity. }
  clear C. revert B L. generalize (iaffine p m x) (affine m' x'). induction A as [|i y is ys I A IH]; intros js zs B L; destruct B as [|j z js zs J B];
    try discriminate; simpl; constructor.
  - unfold tracks, track_of; simpl. repeat split; try apply I; try apply J; try lia; rewrite Rminus_diag_eq by reflexivity; lra.
  - apply IH; [assumption | now injection L].
Qed.

(** ** Networks *)
Fixpoint ttail (a : itv) (v w : network itv) (z : list track) : list track :=
  match v, w with l :: v', m :: w' => ttail a v' w' (taffine l m (map (tsigma a) z)) | _, _ => z end.
Definition toutputs (a : itv) (v w : network itv) (x : list itv) : list track :=
  match v, w with l :: v', m :: w' => ttail a v' w' (tfirst l m x) | _, _ => map (fun i => track_of i i) x end.
Fixpoint rtail (a : R) (v : network R) (z : list R) : list R :=
  match v with l :: v' => rtail a v' (affine l (map (sigma a) z)) | [] => z end.
Lemma outputs_rtail a l v x : outputs a (l :: v) x = rtail a v (affine l x).
Proof. revert l x; induction v as [|m v IH]; intros l x; [reflexivity|]. rewrite outputs_next by discriminate. apply IH. Qed.
Lemma tsigma_list_ok a a' Ts xs ys zs : contains a a' -> 0 <= a' < 1 -> tracks_list Ts xs ys zs ->
  tracks_list (map (tsigma a) Ts) (map (sigma a') xs) (map (sigma a') ys) (map (sigma a') zs).
Proof. intros A B. induction 1; simpl; constructor; [now apply tsigma_ok | assumption]. Qed.
Lemma toutputs_ok a a' v w v' w' x x' : contains a a' -> 0 <= a' < 1 -> holds_network p v v' -> holds_network p w w' -> same_shape v' w' ->
  holds x x' -> tracks_list (toutputs a v w x) (outputs a' v' x') (outputs a' w' x') (outputs a' (lerp_network t v' w') x').
Proof.
  intros A B HV HW SH X. destruct SH as [|l' m' v' w' SL SH].
  - inversion HV; inversion HW; subst. simpl. clear - X. induction X as [|i z is zs I X IH]; simpl; constructor; [|assumption].
    unfold tracks, track_of; simpl. rewrite lerp_same, Rminus_diag_eq by reflexivity. repeat split; try apply I; try lia; lra.
  - inversion HV as [|l ? vt ? HL HV' E1 E2]; subst. inversion HW as [|m ? wt ? HM HW' E3 E4]; subst.
    change (lerp_network t (l' :: v') (m' :: w')) with (lerp_layer t l' m' :: lerp_network t v' w'). rewrite !outputs_rtail. cbn [toutputs].
    assert (Z : tracks_list (tfirst l m x) (affine l' x') (affine m' x') (affine (lerp_layer t l' m') x')) by now apply tfirst_ok.
    revert Z. generalize (tfirst l m x) (affine l' x') (affine m' x') (affine (lerp_layer t l' m') x').
    clear HV HW HL HM. revert vt wt HV' HW'. induction SH as [|k' n' v' w' SK SH IH]; intros vt wt HV HW Ts xs ys zs Z.
    + inversion HV; inversion HW; subst. exact Z.
    + inversion HV as [|k ? vt' ? HK HV' E1 E2]; subst. inversion HW as [|n ? wt' ? HN HW' E3 E4]; subst.
      cbn [ttail rtail lerp_network map2]. apply IH; try assumption. apply taffine_ok; try assumption. now apply tsigma_list_ok.
Qed.
End Scale.
