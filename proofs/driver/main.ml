(* Reads what verifier/proved.py writes (docs/proofs.md, "The text that is read") from standard input, and asks the extracted checker about
   each claim: one line per claim, "accepted" or "refused". Nothing here is proved. *)
open Checker

let next () = Scanf.scanf " %s" (fun word -> if word = "" then failwith "the text ends early" else word)
let integer () = Big_int_Z.big_int_of_string (next ())
let count () = int_of_string (next ())
let rec nat_of n = if n < 0 then failwith "a count below 0" else if n = 0 then O else S (nat_of (n - 1))
let nat () = nat_of (count ())
let boolean () = match next () with "0" -> false | "1" -> true | word -> failwith ("neither 0 nor 1: " ^ word)

(* Read in the order of the text: List.init says no order. *)
let list item =
  let n = count () in
  let rec go k read = if k = 0 then List.rev read else let x = item () in go (k - 1) (x :: read) in
  go n []
let vector () = list integer
let matrix () = list vector
let option item = if boolean () then Some (item ()) else None

let loss () = match next () with
  | "logistic" -> Logistic | "hinge" -> Hinge | "cross_entropy" -> CrossEntropy
  | "squared" -> Squared | "absolute" -> Absolute | "huber" -> Huber (integer ())
  | word -> failwith ("no loss: " ^ word)
let penalty () = match next () with
  | "none" -> NoPenalty | "l1" -> L1 | "path" -> PathNorm | "weight_decay" -> WeightDecay
  | word -> failwith ("no penalty: " ^ word)
let sample () =
  let input = vector () in let target = vector () in let label = nat () in let share = integer () in
  { input; target; label; share }
let problem () =
  let slope = integer () in let loss_of = loss () in let kappa = integer () in let penalty_of = penalty () in
  let bias_priced = boolean () in let samples = list sample in
  { slope; loss_of; kappa; penalty_of; bias_priced; samples }
let layer () = let weight = matrix () in let bias = vector () in { weight; bias }
let network () = list layer

let write () =
  let w_layer = nat () in let w_bias = boolean () in let w_columns = boolean () in
  let w_index = option (fun () -> list nat) in let w_value = matrix () in
  { w_layer; w_bias; w_columns; w_index; w_value }
let pair () = let i = nat () in let j = nat () in (i, j)
let kind () = match next () with
  | "idle" -> Idle | "head" -> Head | "chord" -> Chord (vector ()) | "rescale" -> Rescale (vector ())
  | "transfer" -> let hidden = nat () in let pairs = list pair in Transfer (hidden, pairs)
  | word -> failwith ("no kind of move: " ^ word)
let move () = let kind_of = kind () in let writes = list write in { kind_of; writes }
let path () =
  let moves = list move in let permutation = option (fun () -> list (fun () -> list nat)) in
  let in_balanced_form = boolean () in let sup = integer () in let gap = integer () in let gap_over_lower = integer () in
  let over_level = option (fun () -> let level = integer () in let over = integer () in (level, over)) in
  let frozen = boolean () in
  { moves; permutation; in_balanced_form; sup; gap; gap_over_lower; over_level; frozen }
let head () =
  let h_rows = layer () in let h_head = layer () in let h_free = boolean () in let h_dual = matrix () in
  let h_limit = option integer in let h_lower = integer () in let h_upper = integer () in
  { h_rows; h_head; h_free; h_dual; h_limit; h_lower; h_upper }
let bits () = list boolean
let code () = let positive = boolean () in let pattern = bits () in (positive, pattern)
let cell () = list code
let barrier () =
  let b_hidden = boolean () in let b_output = boolean () in let b_frozen = boolean () in let b_around_A = boolean () in
  let b_level = integer () in let b_gap = integer () in
  let b_chambers = list (fun () -> let pattern = bits () in let point = vector () in (pattern, point)) in
  let b_redundant = list (fun () ->
    let r_pattern = bits () in let r_sample = nat () in let r_den = integer () in
    let r_terms = list (fun () -> let weight = integer () in let sample = nat () in (weight, sample)) in
    { r_pattern; r_sample; r_den; r_terms }) in
  let b_cells = list cell in let b_inside = cell () in let b_outside = cell () in
  let b_faces = list (fun () ->
    let f_moving = option code in let f_facet = nat () in let f_others = cell () in
    let f_den = integer () in let f_nu = vector () in let f_mu = matrix () in
    { f_moving; f_facet; f_others; f_den; f_nu; f_mu }) in
  { b_hidden; b_output; b_frozen; b_around_A; b_level; b_gap; b_chambers; b_redundant; b_cells; b_inside; b_outside; b_faces }

let region () =
  let g_of, g_net = match next () with
    | "A" -> Some true, [] | "B" -> Some false, [] | "stored" -> None, network ()
    | word -> failwith ("nobody's region: " ^ word) in
  let g_active = list pair in
  let g_hidden = boolean () in let g_free = boolean () in
  let g_limits = option vector in let g_bias_limit = option integer in
  let g_point = layer () in let g_point_bias = vector () in
  let g_nu = matrix () in let g_mu = matrix () in
  let g_lower = integer () in let g_upper = integer () in
  { g_of; g_net; g_active; g_hidden; g_free; g_limits; g_bias_limit; g_point; g_point_bias; g_nu; g_mu; g_lower; g_upper }

let () =
  let s = integer () in
  let p = problem () in
  let a = network () in
  let b = network () in
  for _ = 1 to count () do
    let accepted = match next () with
      | "endpoint" ->
        let of_a = boolean () in let lower = integer () in let upper = integer () in
        check_endpoint s p a b of_a lower upper
      | "path" -> check_path s p a b (path ())
      | "head" -> check_head s p a b (head ())
      | "barrier" -> check_barrier s p a b (barrier ())
      | "region" -> check_region s p a b (region ())
      | word -> failwith ("no claim: " ^ word) in
    print_endline (if accepted then "accepted" else "refused")
  done;
  if next () <> "end" then failwith "the text goes on after its end"
