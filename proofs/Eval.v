(** * Enclosures of F

    The definitions of Spec.v, once more, on intervals; each with the theorem that it holds the real number. *)
From Coq Require Import Reals List ZArith Bool Lia Lra.
From Proofs Require Import Spec Convex Moves Fixed.
Import ListNotations.
Set Implicit Arguments.
Unset Strict Implicit.
Open Scope Z_scope.

Definition option_map2 {A B C} (f : A -> B -> C) (x : option A) (y : option B) : option C :=
  match x, y with Some a, Some b => Some (f a b) | _, _ => None end.
Fixpoint all_some {A} (u : list (option A)) : option (list A) :=
  match u with [] => Some [] | x :: u' => option_map2 cons x (all_some u') end.

Section Scale.
Variable p : Z.
Hypothesis p_pos : 0 <= p.
Notation contains := (contains p).
Notation holds := (Forall2 contains).

Definition holds_layer (l : layer itv) (m : layer R) := Forall2 holds (weight l) (weight m) /\ holds (bias l) (bias m).
Definition holds_network (v : network itv) (w : network R) := Forall2 holds_layer v w.

Lemma holds_map2 {A B} (f : A -> B -> itv) (g : A -> B -> R) u v : (forall a b, contains (f a b) (g a b)) ->
  holds (map2 f u v) (map2 g u v).
Proof. intro H. revert v; induction u; destruct v; simpl; constructor; auto. Qed.
Lemma map2_ok (f : itv -> itv -> itv) (g : R -> R -> R) u v x y :
  (forall a b c d, contains a c -> contains b d -> contains (f a b) (g c d)) ->
  holds u x -> holds v y -> holds (map2 f u v) (map2 g x y).
Proof. intros H U; revert v y; induction U; intros v' y' V; simpl; [constructor|]. destruct V; constructor; auto. Qed.
Lemma map_ok (f : itv -> itv) (g : R -> R) u x : (forall a c, contains a c -> contains (f a) (g c)) ->
  holds u x -> holds (map f u) (map g x).
Proof. intros H U; induction U; simpl; constructor; auto. Qed.

(** ** Sums and products *)
Definition isum (u : list itv) : itv := fold_right add zero u.
Lemma isum_ok u x : holds u x -> contains (isum u) (sum x).
Proof. induction 1; [apply zero_ok | now apply add_ok]. Qed.

Fixpoint idot2 (u v : list itv) : itv :=
  match u, v with a :: u', b :: v' => add (prod a b) (idot2 u' v') | _, _ => zero end.
Definition idot (u v : list itv) : itv := round p (idot2 u v).
Lemma idot_ok u v x y : holds u x -> holds v y -> contains (idot u v) (dot x y).
Proof.
  intros U V. apply round_ok; [assumption|]. revert v y V.
  assert (Z : contains2 p zero 0) by (unfold contains2; simpl; lra).
  induction U; intros v' y' V; [rewrite dot_nil_l; exact Z|]. destruct V; [exact Z|].
  rewrite dot_cons. simpl. apply add2_ok; [now apply prod_ok | auto].
Qed.

(** ** Networks *)
Definition isigma (a z : itv) : itv := imax z (mul p a z).
Definition iaffine (l : layer itv) (h : list itv) : list itv := map2 (fun row b => add (idot row h) b) (weight l) (bias l).
Fixpoint ioutputs (a : itv) (net : network itv) (x : list itv) : list itv :=
  match net with
  | [] => x
  | [l] => iaffine l x
  | l :: rest => ioutputs a rest (map (isigma a) (iaffine l x))
  end.
Lemma isigma_ok a z x y : contains a x -> contains z y -> contains (isigma a z) (sigma x y).
Proof. intros. apply imax_ok; [assumption | assumption | now apply mul_ok]. Qed.
Lemma iaffine_ok l m h x : holds_layer l m -> holds h x -> holds (iaffine l h) (affine m x).
Proof.
  destruct l as [W b], m as [V c]. unfold holds_layer, iaffine, affine; simpl. intros [HW Hb] H. revert b c Hb.
  induction HW; intros b c Hb; simpl; [constructor|]. destruct Hb; constructor; auto. apply add_ok; [now apply idot_ok | assumption].
Qed.
Lemma ioutputs_ok a net h a' net' x : contains a a' -> holds_network net net' -> holds h x ->
  holds (ioutputs a net h) (outputs a' net' x).
Proof.
  intros A N. revert h x. induction N as [|l m v w L N IH]; intros h x H; [exact H|].
  destruct N as [|l' m' v w L' N]; [now apply iaffine_ok|]. apply IH. apply map_ok; [intros; now apply isigma_ok | now apply iaffine_ok].
Qed.

(** ** Losses *)
(** ln(sum exp), relative to the largest upper end. *)
Definition top (u : list itv) : Z := fold_right (fun a m => Z.max (hi a) m) (match u with a :: _ => hi a | [] => 0 end) u.
Definition shift (c : Z) (a : itv) : itv := Itv (lo a - c) (hi a - c).
Definition unshift (c : Z) (a : itv) : itv := Itv (lo a + c) (hi a + c).
Definition ilse (u : list itv) : option itv :=
  match u with
  | [] => None
  | _ => let c := top u in
         match all_some (map (fun a => iexp p (shift c a)) u) with
         | Some e => match iln p (isum e) with Some l => Some (unshift c l) | None => None end
         | None => None
         end
  end.
Lemma shift_ok c a x : contains a x -> contains (shift c a) (x - IZR c / S p).
Proof.
  pose proof (S_pos p_pos). unfold Fixed.contains; cbn [lo hi shift]. rewrite !minus_IZR. intros [A B].
  replace ((x - IZR c / S p) * S p)%R with (x * S p - IZR c)%R by (field; lra). lra.
Qed.
Lemma unshift_ok c a x : contains a x -> contains (unshift c a) (IZR c / S p + x).
Proof.
  pose proof (S_pos p_pos). unfold Fixed.contains; cbn [lo hi unshift]. rewrite !plus_IZR. intros [A B].
  replace ((IZR c / S p + x) * S p)%R with (x * S p + IZR c)%R by (field; lra). lra.
Qed.
Lemma all_some_exp c u x e : all_some (map (fun a => iexp p (shift c a)) u) = Some e -> holds u x ->
  holds e (map exp (map (fun z => (z - IZR c / S p)%R) x)).
Proof.
  intros E H. revert e E. induction H as [|a z u x A H IH]; intros e E; simpl in *.
  - injection E as <-. constructor.
  - destruct (iexp p (shift c a)) as [b|] eqn:B; [|discriminate]. destruct (all_some _) as [e'|]; [|discriminate].
    injection E as <-. constructor; [|now apply IH]. eapply (iexp_ok p_pos); [exact B|]. now apply shift_ok.
Qed.
Lemma ilse_ok u x l : ilse u = Some l -> holds u x -> contains l (lse x).
Proof.
  intros E H. destruct H as [|a z u x A H]; [discriminate|]. unfold ilse in E. set (c := top (a :: u)) in *.
  destruct (all_some _) as [e|] eqn:EE; [|discriminate]. destruct (iln p (isum e)) as [m|] eqn:L; [|discriminate].
  injection E as <-. rewrite (lse_shift (IZR c / S p)) by discriminate. apply unshift_ok.
  eapply (iln_ok p_pos); [exact L | |].
  - simpl. apply sum_exp_pos.
  - apply isum_ok. apply (all_some_exp EE). now constructor.
Qed.

Definition ihuber (d r : itv) : itv :=
  let a := iabs r in
  let inner := half (square p r) in
  let outer := sub (mul p d a) (half (square p d)) in
  if hi a <=? lo d then inner else if hi d <=? lo a then outer else hull inner outer.
Lemma hull_ok_l a b x : contains a x -> contains (hull a b) x.
Proof.
  unfold Fixed.contains; cbn [lo hi hull]. intros [A B]. pose proof (IZR_le _ _ (Z.le_min_l (lo a) (lo b))).
  pose proof (IZR_le _ _ (Z.le_max_l (hi a) (hi b))). lra.
Qed.
Lemma hull_ok_r a b x : contains b x -> contains (hull a b) x.
Proof.
  unfold Fixed.contains; cbn [lo hi hull]. intros [A B]. pose proof (IZR_le _ _ (Z.le_min_r (lo a) (lo b))).
  pose proof (IZR_le _ _ (Z.le_max_r (hi a) (hi b))). lra.
Qed.
Lemma ihuber_ok d r x y : contains d x -> contains r y -> contains (ihuber d r) (huber x y).
Proof.
  intros D H. pose proof (S_pos p_pos) as s. pose proof (iabs_ok p_pos H) as A. unfold ihuber.
  assert (I : contains (half (square p r)) (y * y / 2)) by (apply half_ok; now apply square_ok).
  assert (O : contains (sub (mul p d (iabs r)) (half (square p d))) (x * Rabs y - x * x / 2)).
  { apply sub_ok; [now apply mul_ok | apply half_ok; now apply square_ok]. }
  assert (same : (Rabs y = x -> y * y / 2 = x * Rabs y - x * x / 2)%R).
  { intros <-. rewrite <- Rabs_mult. rewrite (Rabs_pos_eq (y * y)) by nra. lra. }
  unfold huber. destruct (Z.leb_spec (hi (iabs r)) (lo d)) as [L|L].
  - apply IZR_le in L. destruct (Rle_dec (Rabs y) x) as [Q|Q]; [assumption|]. exfalso. destruct A, D. apply Q.
    apply Rmult_le_reg_r with (S p); lra.
  - destruct (Z.leb_spec (hi d) (lo (iabs r))) as [M|M].
    + apply IZR_le in M. destruct (Rle_dec (Rabs y) x) as [Q|Q]; [|assumption]. rewrite same; [assumption|].
      apply Rle_antisym; [assumption|]. destruct A, D. apply Rmult_le_reg_r with (S p); lra.
    + destruct (Rle_dec (Rabs y) x); [now apply hull_ok_l | now apply hull_ok_r].
Qed.

(** f_k - f_y for all k, exactly 0 for the label itself. *)
Fixpoint gaps (k : nat) (f : list itv) (fy : itv) {struct f} : list itv :=
  match f, k with
  | [], _ => []
  | _ :: f', O => zero :: map (fun a => sub a fy) f'
  | a :: f', Datatypes.S k' => sub a fy :: gaps k' f' fy
  end.
Lemma gaps_ok k f fy x : contains fy (nth k x 0%R) -> holds f x -> holds (gaps k f fy) (map (fun z => (z - nth k x 0)%R) x).
Proof.
  intros Y H. generalize (eq_refl (nth k x 0%R)). generalize (nth k x 0%R) at 1 3. intros y E. rewrite <- E in Y. revert k E.
  assert (all : forall f x, holds f x -> holds (map (fun a => sub a fy) f) (map (fun z => (z - y)%R) x)).
  { intros f' x' H'. apply map_ok; [|assumption]. intros. now apply sub_ok. }
  induction H as [|a z f x A H IH]; intros k E; [constructor|]. destruct k; simpl in *; constructor.
  - rewrite E, Rminus_diag_eq by reflexivity. apply zero_ok.
  - now apply all.
  - now apply sub_ok.
  - now apply IH.
Qed.

Definition isoftplus (z : itv) : option itv := ilse [zero; z].
Definition ione : itv := one p.
Definition iloss (o : loss itv) (y : list itv) (k : nat) (f : list itv) : option itv :=
  match o with
  | Logistic => option_map isum (all_some (map2 (fun t v => isoftplus (opp (mul p t v))) y f))
  | Hinge => Some (isum (map2 (fun t v => imax zero (sub ione (mul p t v))) y f))
  | CrossEntropy => ilse (gaps k f (nth k f zero))
  | Squared => Some (isum (map2 (fun t v => square p (sub v t)) y f))
  | Absolute => Some (isum (map2 (fun t v => iabs (sub v t)) y f))
  | Huber d => Some (isum (map2 (fun t v => ihuber d (sub v t)) y f))
  end.
Inductive holds_loss : loss itv -> loss R -> Prop :=
| holds_logistic : holds_loss Logistic Logistic | holds_hinge : holds_loss Hinge Hinge
| holds_ce : holds_loss CrossEntropy CrossEntropy | holds_squared : holds_loss Squared Squared
| holds_absolute : holds_loss Absolute Absolute | holds_huber d x : contains d x -> holds_loss (Huber d) (Huber x).
Lemma nth_ok k f x : holds f x -> contains (nth k f zero) (nth k x 0%R).
Proof. intro H; revert k; induction H; destruct k; simpl; try apply zero_ok; auto. Qed.
Lemma lse_gaps k x : x <> [] -> lse (map (fun z => (z - nth k x 0)%R) x) = (ln (sum (map exp x)) - nth k x 0)%R.
Proof. intro N. pose proof (lse_shift (nth k x 0%R) N) as E. unfold lse at 1 in E. lra. Qed.
Lemma iloss_ok o y k f o' y' f' l : iloss o y k f = Some l -> holds_loss o o' -> holds y y' -> holds f f' ->
  contains l (loss_value o' y' k f').
Proof.
  intros E O Y H. destruct O; simpl in E |- *.
  - unfold option_map in E. destruct (all_some _) as [e|] eqn:A; [|discriminate]. injection E as <-. apply isum_ok.
    revert f f' H e A. induction Y as [|t t' y y' T Y IH]; intros f f' H e A.
    + simpl in *. injection A as <-. constructor.
    + destruct H as [|v v' f f' V H]; simpl in *; [injection A as <-; constructor|].
      destruct (isoftplus _) as [q|] eqn:Q; [|discriminate]. destruct (all_some _) as [e'|] eqn:A'; [|discriminate].
      injection A as <-. constructor; [|now apply IH with f]. rewrite softplus_lse. apply (ilse_ok Q).
      constructor; [apply zero_ok | constructor; [apply opp_ok; now apply mul_ok | constructor]].
  - injection E as <-. apply isum_ok. apply map2_ok; try assumption. intros. apply imax_ok; [assumption | apply zero_ok|].
    apply sub_ok; [apply one_ok | now apply mul_ok].
  - destruct f' as [|z f'].
    + inversion H; subst. destruct k; discriminate.
    + rewrite <- lse_gaps by discriminate. apply (ilse_ok E). apply gaps_ok; [now apply nth_ok | assumption].
  - injection E as <-. apply isum_ok. apply map2_ok; try assumption. intros. apply square_ok; [assumption | now apply sub_ok].
  - injection E as <-. apply isum_ok. apply map2_ok; try assumption. intros. apply iabs_ok; [assumption | now apply sub_ok].
  - injection E as <-. apply isum_ok. apply map2_ok; try assumption. intros. apply ihuber_ok; [assumption | now apply sub_ok].
Qed.

(** ** Penalties *)
Definition isquares (r : list itv) : itv := isum (map (square p) r).
Definition inorm (r : list itv) : itv := isqrt p (isquares r).
Definition inorm1 (r : list itv) : itv := isum (map iabs r).
Fixpoint ivadd (u v : list itv) : list itv :=
  match u, v with a :: u', b :: v' => add a b :: ivadd u' v' | [], _ => v | _, [] => u end.
Definition icolumn_norms1 (W : list (list itv)) : list itv := fold_right (fun row acc => ivadd (map iabs row) acc) [] W.
Definition iextended_rows (l : layer itv) : list (list itv) := map2 cons (bias l) (weight l).
Definition iempty_layer : layer itv := Layer [] [].
Definition ibias_price (priced : bool) (net : network itv) : itv := if priced then inorm1 (bias (last net iempty_layer)) else zero.
Definition ipenalty (q : penalty) (priced : bool) (net : network itv) : itv :=
  match q with
  | NoPenalty => zero
  | L1 => add (isum (map inorm1 (weight (last net iempty_layer)))) (ibias_price priced net)
  | PathNorm => add (idot (map inorm (iextended_rows (hd iempty_layer net))) (icolumn_norms1 (weight (last net iempty_layer))))
                    (ibias_price priced net)
  | WeightDecay => half (add (isum (map isquares (iextended_rows (hd iempty_layer net))))
                             (isum (map isquares (weight (last net iempty_layer)))))
  | Balanced => idot (map inorm (iextended_rows (hd iempty_layer net))) (map inorm (columns (weight (last net iempty_layer))))
  end.
Lemma isquares_ok r x : holds r x -> contains (isquares r) (dot x x).
Proof.
  intro H. unfold isquares. replace (dot x x) with (sum (map (fun z => (z * z)%R) x)).
  - apply isum_ok. apply map_ok; [intros; now apply square_ok | assumption].
  - clear H. induction x; [reflexivity|]. rewrite dot_cons. simpl. now rewrite sum_cons, IHx.
Qed.
Lemma inorm_ok r x : holds r x -> contains (inorm r) (norm x).
Proof. intro H. apply isqrt_ok; [assumption | apply dot_self_nonneg | now apply isquares_ok]. Qed.
Lemma inorm1_ok r x : holds r x -> contains (inorm1 r) (norm1 x).
Proof. intro H. apply isum_ok. apply map_ok; [intros; now apply iabs_ok | assumption]. Qed.
Lemma ivadd_ok u v x y : holds u x -> holds v y -> holds (ivadd u v) (vadd x y).
Proof.
  intros U; revert v y; induction U; intros v' y' V; simpl; [assumption|].
  destruct V; constructor; auto. now apply add_ok.
Qed.
Lemma icolumn_norms1_ok W V : Forall2 holds W V -> holds (icolumn_norms1 W) (column_norms1 V).
Proof.
  induction 1; simpl; [constructor|]. apply ivadd_ok; [|assumption]. apply map_ok; [intros; now apply iabs_ok | assumption].
Qed.
Lemma attach_ok r x C D : holds r x -> Forall2 holds C D -> Forall2 holds (attach r C) (attach x D).
Proof.
  intros H; revert C D; induction H as [|a y r x A H IH]; intros C D E; simpl; [assumption|].
  destruct E; constructor; try (constructor; [assumption | now try constructor]); apply IH; [constructor | assumption].
Qed.
Lemma columns_ok W V : Forall2 holds W V -> Forall2 holds (columns W) (columns V).
Proof. induction 1; simpl; [constructor | now apply attach_ok]. Qed.
Lemma iextended_rows_ok l m : holds_layer l m -> Forall2 holds (iextended_rows l) (extended_rows m).
Proof.
  destruct l as [W b], m as [V c]. unfold holds_layer, iextended_rows, extended_rows; simpl. intros [H B]. revert b c B.
  induction H; intros b c B; destruct B; simpl; constructor; auto.
Qed.
Lemma holds_last v w : holds_network v w -> holds_layer (last v iempty_layer) (last w empty_layer).
Proof. induction 1 as [|l m v w H H' IH]; [split; constructor|]. destruct H'; [exact H | exact IH]. Qed.
Lemma holds_hd v w : holds_network v w -> holds_layer (hd iempty_layer v) (hd empty_layer w).
Proof. destruct 1; [split; constructor | assumption]. Qed.
Lemma ibias_price_ok priced v w : holds_network v w -> contains (ibias_price priced v) (bias_price priced w).
Proof.
  intro H. unfold ibias_price, bias_price. destruct priced; [|apply zero_ok]. apply inorm1_ok. now apply holds_last in H as [_ H].
Qed.
Lemma map_rows_ok (f : list itv -> itv) (g : list R -> R) W V : (forall r x, holds r x -> contains (f r) (g x)) ->
  Forall2 holds W V -> holds (map f W) (map g V).
Proof. intros E. induction 1; simpl; constructor; auto. Qed.
Lemma ipenalty_ok q priced v w : holds_network v w -> contains (ipenalty q priced v) (penalty_value q priced w).
Proof.
  intro H. pose proof (ibias_price_ok priced H) as B. pose proof (holds_last H) as [L _]. pose proof (iextended_rows_ok (holds_hd H)) as E.
  destruct q; simpl.
  - apply zero_ok.
  - apply add_ok; [|assumption]. apply isum_ok. apply map_rows_ok; [apply inorm1_ok | assumption].
  - apply add_ok; [|assumption]. apply idot_ok; [|now apply icolumn_norms1_ok]. apply map_rows_ok; [apply inorm_ok | assumption].
  - apply half_ok. apply add_ok; apply isum_ok; (apply map_rows_ok; [apply isquares_ok | assumption]).
  - apply idot_ok; (apply map_rows_ok; [apply inorm_ok | try assumption]). now apply columns_ok.
Qed.
End Scale.

(** ** F *)
(** [P] and [net] hold integers at scale s; balls are at scale s + e. *)
Section Value.
Variables s e : Z.
Hypothesis s_pos : 0 <= s.
Hypothesis e_pos : 0 <= e.
Definition scale : Z := s + e.
Lemma scale_pos : 0 <= scale.
Proof. unfold scale; lia. Qed.
Definition embed (z : Z) : itv := let q := Z.shiftl z e in Itv q q.
Lemma embed_ok z : contains scale (embed z) (real s z).
Proof.
  unfold contains, embed, scale, real, S; cbn [lo hi]. rewrite Z.shiftl_mul_pow2, mult_IZR by assumption.
  rewrite Z.pow_add_r, mult_IZR by assumption. assert (0 < IZR (2 ^ s))%R by (apply IZR_lt; now apply Z.pow_pos_nonneg).
  replace (IZR z / IZR (2 ^ s) * (IZR (2 ^ s) * IZR (2 ^ e)))%R with (IZR z * IZR (2 ^ e))%R by (field; lra). lra.
Qed.
Notation holds := (Forall2 (contains scale)).
Lemma embed_list_ok u : holds (map embed u) (map (real s) u).
Proof. induction u; simpl; constructor; [apply embed_ok | assumption]. Qed.
Lemma embed_layer_ok l : holds_layer scale (map_layer embed l) (map_layer (real s) l).
Proof.
  destruct l as [W b]. split; simpl; [|apply embed_list_ok]. induction W; simpl; constructor; [apply embed_list_ok | assumption].
Qed.
Lemma embed_network_ok v : holds_network scale (map_network embed v) (map_network (real s) v).
Proof. induction v; simpl; constructor; [apply embed_layer_ok | assumption]. Qed.
Lemma embed_loss_ok o : holds_loss scale (map_loss embed o) (map_loss (real s) o).
Proof. destruct o; simpl; constructor. apply embed_ok. Qed.

(** The weighted mean, by integer weights. *)
Definition weigh (shares : list Z) (values : list Z) : Z := fold_right Z.add 0 (map2 Z.mul shares values).
Definition imean (shares : list Z) (values : list itv) : itv :=
  let whole := fold_right Z.add 0 shares in
  Itv (weigh shares (map lo values) / whole) (div_up (weigh shares (map hi values)) whole).
Definition zsum (u : list Z) : Z := fold_right Z.add 0 u.
Lemma sum_real u : sum (map (real s) u) = (IZR (zsum u) / IZR (2 ^ s))%R.
Proof.
  induction u; simpl; [unfold sum, zsum; simpl; lra|]. rewrite sum_cons, IHu, plus_IZR. unfold real; lra.
Qed.
Lemma shares_real u : (forall z, In z u -> 0 <= z) -> Forall (fun x => 0 <= x)%R (map (real s) u).
Proof.
  intro H. induction u; simpl; constructor; [|apply IHu; intros; apply H; now right].
  assert (0 < IZR (2 ^ s))%R by (apply IZR_lt; now apply Z.pow_pos_nonneg).
  unfold real, Rdiv. apply Rmult_le_pos; [apply IZR_le; apply H; now left | left; now apply Rinv_0_lt_compat].
Qed.
Lemma imean_ok shares v x : (forall z, In z shares -> 0 <= z) -> 0 < zsum shares -> holds v x ->
  contains scale (imean shares v) (mean (map (real s) shares) x).
Proof.
  intros N T H. assert (T' : (0 < IZR (zsum shares))%R) by now apply IZR_lt.
  assert (D : (0 < IZR (2 ^ s))%R) by (apply IZR_lt; now apply Z.pow_pos_nonneg).
  assert (E : (mean (map (real s) shares) x * S scale * IZR (zsum shares)
               = sum (map2 (fun w z => IZR w * (z * S scale)) shares x))%R).
  { unfold mean. rewrite sum_real.
    transitivity (dot (map (real s) shares) x * IZR (2 ^ s) * S scale)%R; [field; lra|]. clear - D. revert x.
    induction shares as [|w shares IH]; intros [|z x]; try (unfold sum, dot, sum; simpl; lra).
    simpl. rewrite dot_cons, sum_cons, <- IH. unfold real. field. lra. }
  assert (B : (IZR (weigh shares (map lo v)) <= sum (map2 (fun w z => IZR w * (z * S scale)) shares x)
               <= IZR (weigh shares (map hi v)))%R).
  { clear - N H. revert shares N. induction H as [|a z v x A H IH]; intros [|w shares] N; simpl;
      try (unfold weigh, sum; simpl; lra).
    unfold weigh in *; simpl. rewrite !plus_IZR, !mult_IZR, sum_cons.
    assert (0 <= IZR w)%R by (apply IZR_le; apply N; now left).
    specialize (IH shares (fun y i => N y (or_intror i))). destruct A. split; nra. }
  unfold contains, imean; cbn [lo hi]. fold (zsum shares).
  pose proof (@div_le (weigh shares (map lo v)) (zsum shares) T).
  pose proof (@div_up_ge (weigh shares (map hi v)) (zsum shares) T).
  split; apply Rmult_le_reg_r with (IZR (zsum shares)); lra.
Qed.

(** What is computed once from a problem. *)
Record context := Context { c_slope : itv; c_loss : loss itv; c_kappa : itv; c_penalty : penalty; c_priced : bool;
  c_samples : list (sample itv); c_shares : list Z }.
Definition context_of (P : problem Z) : context :=
  Context (embed (slope P)) (map_loss embed (loss_of P)) (embed (kappa P)) (penalty_of P) (bias_priced P)
          (map (map_sample embed) (samples P)) (map (@share Z) (samples P)).
Definition isample_loss (c : context) (net : network itv) (j : sample itv) : option itv :=
  iloss scale (c_loss c) (target j) (label j) (ioutputs scale (c_slope c) net (input j)).
Definition iF (c : context) (net : network itv) : option itv :=
  match all_some (map (isample_loss c net) (c_samples c)) with
  | Some v => Some (add (imean (c_shares c) v) (mul scale (c_kappa c) (ipenalty scale (c_penalty c) (c_priced c) net)))
  | None => None
  end.

Definition good_shares (P : problem Z) : Prop :=
  (forall z, In z (map (@share Z) (samples P)) -> 0 <= z) /\ 0 < zsum (map (@share Z) (samples P)).
Lemma map_shares P : map (@share R) (map (map_sample (real s)) (samples P)) = map (real s) (map (@share Z) (samples P)).
Proof. rewrite !map_map. reflexivity. Qed.
Theorem iF_ok P net net' i : good_shares P -> holds_network scale net net' -> iF (context_of P) net = Some i ->
  contains scale i (F (map_problem (real s) P) net').
Proof.
  intros [N T] H E. pose proof scale_pos as sp. unfold iF in E. destruct (all_some _) as [v|] eqn:A; [|discriminate]. injection E as <-.
  unfold F. apply add_ok.
  - simpl. rewrite map_shares. apply imean_ok; try assumption. clear N T. revert v A.
    cbn [c_samples context_of map_problem samples]. induction (samples P) as [|j J IH]; intros v A; simpl in *.
    + injection A as <-. constructor.
    + destruct (isample_loss _ _ _) as [a|] eqn:B; [|discriminate]. destruct (all_some _) as [w|]; [|discriminate].
      injection A as <-. constructor; [|now apply IH]. unfold isample_loss in B. unfold sample_loss. simpl in *.
      apply (iloss_ok sp B); [apply embed_loss_ok | apply embed_list_ok|].
      apply ioutputs_ok; [assumption | apply embed_ok | assumption | apply embed_list_ok].
  - apply mul_ok; [assumption | apply embed_ok | now apply ipenalty_ok].
Qed.
End Value.
