(** * What a certificate says, over the real numbers

    To be compared, line by line, with docs/certificate-v2.md. Nothing in this file is an algorithm: a checker is right when it
    accepts only what is stated here. Everything is polymorphic in the type of numbers: a file holds integers [z], which stand for
    [z / 2^s] with one [s] for the whole file, and [real] maps them to the reals. *)
From Coq Require Import Reals List ZArith Bool Permutation.
Import ListNotations.
Set Implicit Arguments.
Open Scope R_scope.

(** ** Vectors and matrices: lists, and lists of rows *)
Fixpoint map2 {A B C} (f : A -> B -> C) (u : list A) (v : list B) : list C :=
  match u, v with a :: u', b :: v' => f a b :: map2 f u' v' | _, _ => [] end.

Definition sum (u : list R) : R := fold_right Rplus 0 u.
Definition dot (u v : list R) : R := sum (map2 Rmult u v).
Definition norm1 (u : list R) : R := sum (map Rabs u).
Definition norm (u : list R) : R := sqrt (dot u u).

(** Entrywise sum; the empty list counts as 0. *)
Fixpoint vadd (u v : list R) : list R :=
  match u, v with a :: u', b :: v' => (a + b) :: vadd u' v' | [], _ => v | _, [] => u end.

(** ** Section "Problem": networks *)
(** [W_l] is [weight], a list of rows; [b_l] is [bias]. A bias that is absent in the file is a list of zeros here. *)
Record layer (T : Type) := Layer { weight : list (list T); bias : list T }.
Definition network (T : Type) := list (layer T).

Definition sigma (a z : R) : R := Rmax z (a * z).
Definition affine (l : layer R) (h : list R) : list R := map2 (fun row b => dot row h + b) (weight l) (bias l).

(** [h_0 = x], [h_l = sigma(W_l h_{l-1} + b_l)], and [f = W_L h_{L-1} + b_L]. *)
Fixpoint outputs (a : R) (net : network R) (x : list R) : list R :=
  match net with
  | [] => x
  | [l] => affine l x
  | l :: rest => outputs a rest (map (sigma a) (affine l x))
  end.

(** ** Losses *)
Inductive loss (T : Type) := Logistic | Hinge | CrossEntropy | Squared | Absolute | Huber (delta : T).
Arguments Logistic {T}. Arguments Hinge {T}. Arguments CrossEntropy {T}. Arguments Squared {T}. Arguments Absolute {T}.

(** One row of [data/X], its targets (empty for cross-entropy), its label (0 for others), its weight (1 where there are none). *)
Record sample (T : Type) := Sample { input : list T; target : list T; label : nat; share : T }.

Definition huber (delta r : R) : R := if Rle_dec (Rabs r) delta then r * r / 2 else delta * Rabs r - delta * delta / 2.

(** [loss(y, f)]; logistic and hinge loss have one output, so that their sums have one term. *)
Definition loss_value (o : loss R) (y : list R) (k : nat) (f : list R) : R :=
  match o with
  | Logistic => sum (map2 (fun t v => ln (1 + exp (- (t * v)))) y f)
  | Hinge => sum (map2 (fun t v => Rmax 0 (1 - t * v)) y f)
  | CrossEntropy => ln (sum (map exp f)) - nth k f 0
  | Squared => sum (map2 (fun t v => (v - t) * (v - t)) y f)
  | Absolute => sum (map2 (fun t v => Rabs (v - t)) y f)
  | Huber delta => sum (map2 (fun t v => huber delta (v - t)) y f)
  end.

(** ** Penalties *)
(** [Balanced] is the balanced form of weight decay; no file has it as its penalty. *)
Inductive penalty := NoPenalty | L1 | PathNorm | WeightDecay | Balanced.

Record problem (T : Type) := Problem {
  slope : T;              (* [negative_slope] *)
  loss_of : loss T;
  kappa : T;
  penalty_of : penalty;
  bias_priced : bool;     (* [penalise_output_bias] *)
  samples : list (sample T) }.

(** [wt_i = (w_i, b_i)]; the order of the coordinates plays no part in a norm. *)
Definition extended_rows (l : layer R) : list (list R) := map2 cons (bias l) (weight l).
(** [norm_1(theta_i)] for all i: the 1-norms of the columns. *)
Definition column_norms1 (W : list (list R)) : list R := fold_right (fun row acc => vadd (map Rabs row) acc) [] W.
(** [theta_i] for all i: the columns, each from the first output to the last. *)
Fixpoint attach {T} (row : list T) (columns : list (list T)) : list (list T) :=
  match row, columns with x :: r, c :: d => (x :: c) :: attach r d | x :: r, [] => [x] :: attach r [] | [], _ => columns end.
Definition columns {T} (W : list (list T)) : list (list T) := fold_right attach [] W.

Definition empty_layer : layer R := Layer [] [].
Definition bias_price (priced : bool) (net : network R) : R := if priced then norm1 (bias (last net empty_layer)) else 0.

Definition penalty_value (p : penalty) (priced : bool) (net : network R) : R :=
  match p with
  | NoPenalty => 0
  | L1 => sum (map norm1 (weight (last net empty_layer))) + bias_price priced net
  | PathNorm => dot (map norm (extended_rows (hd empty_layer net))) (column_norms1 (weight (last net empty_layer)))
                + bias_price priced net
  | WeightDecay => (sum (map (fun r => dot r r) (extended_rows (hd empty_layer net)))
                    + sum (map (fun r => dot r r) (weight (last net empty_layer)))) / 2
  | Balanced => dot (map norm (extended_rows (hd empty_layer net))) (map norm (columns (weight (last net empty_layer))))
  end.

(** ** [F = (sum_j w_j loss(y_j, f(x_j))) / (sum_j w_j) + kappa P] *)
Definition sample_loss (P : problem R) (net : network R) (j : sample R) : R :=
  loss_value (loss_of P) (target j) (label j) (outputs (slope P) net (input j)).
Definition mean (shares values : list R) : R := dot shares values / sum shares.
Definition F (P : problem R) (net : network R) : R :=
  mean (map (@share R) (samples P)) (map (sample_loss P net) (samples P))
  + kappa P * penalty_value (penalty_of P) (bias_priced P) net.

(** The same problem with weight decay in its balanced form. *)
Definition balanced {T} (P : problem T) : problem T :=
  Problem (slope P) (loss_of P) (kappa P) (match penalty_of P with WeightDecay => Balanced | q => q end) (bias_priced P) (samples P).

(** ** Section "Paths" *)
(** The point at time t of the straight segment from v to w. *)
Definition lerp (t a b : R) : R := (1 - t) * a + t * b.
Definition lerp_layer (t : R) (l m : layer R) : layer R :=
  Layer (map2 (map2 (lerp t)) (weight l) (weight m)) (map2 (lerp t) (bias l) (bias m)).
Definition lerp_network (t : R) (v w : network R) : network R := map2 (lerp_layer t) v w.

(** One hidden layer whose neuron i has its row times [a_i] and its column of the head times [b_i]. *)
Definition scaled (a b : list R) (net : network R) : network R :=
  match net with
  | [l; m] => [Layer (map2 (fun x r => map (Rmult x) r) a (weight l)) (map2 Rmult a (bias l)); Layer (map (map2 Rmult b) (weight m)) (bias m)]
  | _ => net
  end.
(** [(c_i^t wt_i, theta_i / c_i^t)]. *)
Definition rescaled (c : list R) (t : R) (net : network R) : network R :=
  scaled (map (fun x => Rpower x t) c) (map (fun x => / Rpower x t) c) net.

(** What leads from a vertex to the next one, w: the segment, or a curve of scalings and the segment from its end. *)
Inductive step (T : Type) := Segment (w : network T) | Curve (factors : list T) (w : network T).
Definition vertex {T} (x : step T) : network T := match x with Segment w | Curve _ w => w end.
Fixpoint on_path (v : network R) (steps : list (step R)) (p : network R) : Prop :=
  match steps with
  | [] => p = v
  | Segment w :: rest => (exists t, 0 <= t <= 1 /\ p = lerp_network t v w) \/ on_path w rest p
  | Curve c w :: rest =>
      (exists t, 0 <= t <= 1 /\ p = rescaled c t v) \/ (exists t, 0 <= t <= 1 /\ p = lerp_network t (rescaled c 1 v) w) \/ on_path w rest p
  end.

(** B with its hidden neurons permuted: neuron k of hidden layer l is B's neuron [p_l[k]]. [inputs] says how those of the first layer are. *)
Definition pick {T} (default : T) (index : list nat) (u : list T) : list T := map (fun i => nth i u default) index.
Definition pick_columns {T} (zero : T) (inputs : option (list nat)) (W : list (list T)) : list (list T) :=
  match inputs with Some q => map (pick zero q) W | None => W end.
Fixpoint permuted {T} (zero : T) (inputs : option (list nat)) (ps : list (list nat)) (net : network T) : network T :=
  match ps, net with
  | p :: ps', l :: rest => Layer (pick [] p (pick_columns zero inputs (weight l))) (pick zero p (bias l)) :: permuted zero (Some p) ps' rest
  | [], l :: rest => Layer (pick_columns zero inputs (weight l)) (bias l) :: rest
  | _, [] => []
  end.
Definition end_of {T} (zero : T) (permutation : option (list (list nat))) (B : network T) : network T :=
  match permutation with Some ps => permuted zero None ps B | None => B end.

(** One permutation per hidden layer, of all its neurons. *)
Definition permutations {T} (permutation : option (list (list nat))) (B : network T) : Prop :=
  match permutation with
  | Some ps => Forall2 (fun p l => Permutation p (seq 0 (length (weight l)))) ps (removelast B)
  | None => True
  end.

(** The balancing map: both factors of neuron i get the norm [sqrt (norm wt_i * norm theta_i)]; 0 where one of them is 0. *)
Definition balancing (x y : R) : R := if Rlt_dec 0 (x * y) then sqrt (y / x) else 0.
Definition row_norms (net : network R) : list R := map norm (extended_rows (hd empty_layer net)).
Definition head_norms (net : network R) : list R := map norm (columns (weight (last net empty_layer))).
Definition balance (net : network R) : network R :=
  scaled (map2 balancing (row_norms net) (head_norms net)) (map2 balancing (head_norms net) (row_norms net)) net.
(** Scalings from a network, t = 0, to its image, t = 1; a factor whose partner is 0 shrinks to 0. *)
Definition toward (t x y : R) : R := if Rlt_dec 0 (x * y) then Rpower (balancing x y) t else 1 - t.
Definition balancing_curve (t : R) (net : network R) : network R :=
  scaled (map2 (toward t) (row_norms net) (head_norms net)) (map2 (toward t) (head_norms net) (row_norms net)) net.
(** The path of a claim in balanced form: the image of the stored path, joined to A and to the last vertex. *)
Definition on_balanced_path (v : network R) (steps : list (step R)) (p : network R) : Prop :=
  (exists t, 0 <= t <= 1 /\ p = balancing_curve t v) \/ (exists q, on_path v steps q /\ p = balance q) \/
  (exists t, 0 <= t <= 1 /\ p = balancing_curve t (last (map vertex steps) v)).

(** ** Section "Claims" *)
Definition endpoint_value (P : problem R) (N : network R) (lower upper : R) : Prop := lower <= F P N <= upper.

(** [over_level] is [(level, gap_over_level)] where there is a level. Weight decay is as it is, in either form. *)
Definition path_upper_bound (P : problem R) (A B : network R) (permutation : option (list (list nat))) (in_balanced_form : bool)
    (steps : list (step R)) (sup gap gap_over_lower : R) (over_level : option (R * R)) (frozen : bool) : Prop :=
  permutations permutation B /\ last (map vertex steps) A = end_of 0 permutation B /\
  forall p, (if in_balanced_form then on_balanced_path A steps p else on_path A steps p) ->
    F P p <= sup /\
    F P p - Rmax (F P A) (F P B) <= gap /\
    F P p - Rmin (F P A) (F P B) <= gap_over_lower /\
    (match over_level with None => True | Some (level, over) => F P p - level <= over end) /\
    (frozen = true -> last p empty_layer = last A empty_layer).

(** The heads, and output biases where there are any, that a head program on r rows with K outputs is about: with [limit], those
    whose entries have at most that magnitude. *)
Definition head_of (r K : nat) (with_bias : bool) (limit : option R) (h : layer R) : Prop :=
  length (weight h) = K /\ Forall (fun row => length row = r) (weight h) /\ length (bias h) = K /\
  (with_bias = false -> Forall (fun x => x = 0) (bias h)) /\
  match limit with
  | None => True
  | Some H => Forall (Forall (fun x => Rabs x <= H)) (weight h) /\ Forall (fun x => Rabs x <= H) (bias h)
  end.

(** The infimum of F on fixed [rows] lies between [lower] and [upper], weight decay in balanced form. *)
Definition head_optimum (P : problem R) (rows : layer R) (K : nat) (with_bias : bool) (limit : option R) (lower upper : R) : Prop :=
  let among := head_of (length (weight rows)) K with_bias limit in
  (forall h, among h -> lower <= F (balanced P) [rows; h]) /\ (exists h, among h /\ F (balanced P) [rows; h] <= upper).

(** *** Regions *)
(** [wt_i . xt_j] of neuron i at the input x. *)
Definition pre_activation (l : layer R) (i : nat) (x : list R) : R := dot (nth i (weight l) []) x + nth i (bias l) 0.
(** Neuron i counts as active at sample j, [a_ij = 1]: its pre-activation there is positive, or the pair is one of [active]. *)
Definition counts_active (l : layer R) (active : list (nat * nat)) (i j : nat) (x : list R) : Prop :=
  0 < pre_activation l i x \/ In (i, j) active.
(** The layers w of the rows of l's closed activation region: [(2 a_ij - 1) w_i . xt_j >= 0] for all i and j. A bias that is absent stays 0. *)
Definition in_region (P : problem R) (l : layer R) (active : list (nat * nat)) (hidden_bias : bool) (w : layer R) : Prop :=
  Forall2 (fun r q : list R => length r = length q) (weight w) (weight l) /\ length (bias w) = length (weight l) /\
  (hidden_bias = false -> Forall (fun b => b = 0) (bias w)) /\
  forall i j x, (i < length (weight l))%nat -> nth_error (map (@input R) (samples P)) j = Some x ->
    (counts_active l active i j x -> 0 <= pre_activation w i x) /\ (~ counts_active l active i j x -> pre_activation w i x <= 0).
(** The output biases meant: that of the network, or where it is [free] all of its length, with [bias_limit] those with entries of at most that magnitude. *)
Definition output_bias_of (h : layer R) (free : bool) (bias_limit : option R) (c : list R) : Prop :=
  length c = length (bias h) /\ (if free then match bias_limit with Some H => Forall (fun x => Rabs x <= H) c | None => True end else c = bias h).

(** The infimum of F over the closed region of the network [l; h], its head kept, lies between [lower] and [upper]; with [row_limits] over
    rows (bias included) at most that long. Weight decay as it is. A pair of [active] has a pre-activation of 0. *)
Definition region_optimum (P : problem R) (l h : layer R) (active : list (nat * nat)) (hidden_bias free : bool) (row_limits : option (list R))
    (bias_limit : option R) (lower upper : R) : Prop :=
  let among w c := in_region P l active hidden_bias w /\ output_bias_of h free bias_limit c /\
    match row_limits with Some u => Forall2 (fun e most => norm e <= most) (extended_rows w) u | None => True end in
  (forall i j, In (i, j) active -> (i < length (weight l))%nat /\
    exists x, nth_error (map (@input R) (samples P)) j = Some x /\ pre_activation l i x = 0) /\
  (forall w c, among w c -> lower <= F P [w; Layer (weight h) c]) /\ (exists w c, among w c /\ F P [w; Layer (weight h) c] <= upper).

(** ** What the integers of a file stand for *)
Definition map_layer {T U} (g : T -> U) (l : layer T) : layer U := Layer (map (map g) (weight l)) (map g (bias l)).
Definition map_network {T U} (g : T -> U) (net : network T) : network U := map (map_layer g) net.
Definition map_step {T U} (g : T -> U) (x : step T) : step U :=
  match x with Segment w => Segment (map_network g w) | Curve c w => Curve (map g c) (map_network g w) end.
Definition map_loss {T U} (g : T -> U) (o : loss T) : loss U :=
  match o with
  | Logistic => Logistic | Hinge => Hinge | CrossEntropy => CrossEntropy
  | Squared => Squared | Absolute => Absolute | Huber d => Huber (g d)
  end.
Definition map_sample {T U} (g : T -> U) (j : sample T) : sample U :=
  Sample (map g (input j)) (map g (target j)) (label j) (g (share j)).
Definition map_problem {T U} (g : T -> U) (P : problem T) : problem U :=
  Problem (g (slope P)) (map_loss g (loss_of P)) (g (kappa P)) (penalty_of P) (bias_priced P) (map (map_sample g) (samples P)).

(** [z] stands for [z / 2^s]. *)
Definition real (s z : Z) : R := IZR z / IZR (2 ^ s).

(** ** Barriers: continuous paths of parameters, from t = 0 to t = 1 *)
Definition continuous (f : R -> R) : Prop :=
  forall t, 0 <= t <= 1 -> forall e, 0 < e -> exists d, 0 < d /\ forall r, 0 <= r <= 1 -> Rabs (r - t) < d -> Rabs (f r - f t) < e.
Definition network_at (t : R) (G : network (R -> R)) : network R := map_network (fun f => f t) G.
(** Biases that are absent stay 0. *)
Definition parameter_path (A B : network R) (hidden_bias output_bias : bool) (G : network (R -> R)) : Prop :=
  Forall (fun l => Forall (Forall continuous) (weight l) /\ Forall continuous (bias l)) G /\ network_at 0 G = A /\ network_at 1 G = B /\
  forall t, 0 <= t <= 1 ->
    (hidden_bias = false -> Forall (fun x => x = 0) (bias (hd empty_layer (network_at t G)))) /\
    (output_bias = false -> Forall (fun x => x = 0) (bias (last (network_at t G) empty_layer))).
(** With a frozen output layer A and B agree in it, and so does every network of the paths meant. *)
Definition barrier_lower_bound (P : problem R) (A B : network R) (hidden_bias output_bias frozen : bool) (level gap : R) : Prop :=
  (frozen = true -> last A empty_layer = last B empty_layer) /\
  (forall G, parameter_path A B hidden_bias output_bias G ->
     (frozen = true -> forall t, 0 <= t <= 1 -> last (network_at t G) empty_layer = last A empty_layer) ->
     exists t, 0 <= t <= 1 /\ level <= F P (network_at t G)) /\
  (0 < gap -> gap <= level - Rmax (F P A) (F P B)).
