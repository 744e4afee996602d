(* Exact.mantissa_shr against CoqInterval's definition of it, bit by bit, as proofs/driver/exact.ml describes it. Prints how many cases differ. *)
type position = Pos_Eq | Pos_Lo | Pos_Mi | Pos_Up

let one_bit (y, was) =
  if Z.leq y Z.one then (Z.one, Pos_Eq)
  else (Z.shift_right y 1,
        match Z.is_odd y, was with
        | true, Pos_Eq -> Pos_Mi | true, _ -> Pos_Up | false, Pos_Eq -> Pos_Eq | false, _ -> Pos_Lo)
let bit_by_bit m d was =
  let rec go k x = if k = 0 then x else go (k - 1) (one_bit x) in
  if d <= 0 then (Z.one, Pos_Eq) else go d (m, was)

let () =
  let different = ref 0 in
  let compare_at m d was =
    let q, lies = bit_by_bit m d was in
    let q', lies' = Exact.mantissa_shr Pos_Eq Pos_Lo Pos_Mi Pos_Up m (Z.of_int d) was in
    if not (Z.equal q q' && lies = lies') then incr different in
  List.iter (fun was ->
    for m = 1 to 4096 do for d = -1 to 15 do compare_at (Z.of_int m) d was done done;
    for _ = 1 to 20000 do
      let m = Z.shift_left (Z.of_int (1 + Random.int 1000)) (Random.int 150) in
      compare_at (if Random.bool () then Z.add m (Z.of_int (Random.int 100)) else m) (Random.int 170) was
    done) [Pos_Eq; Pos_Lo; Pos_Mi; Pos_Up];
  Printf.printf "%d differ\n" !different
