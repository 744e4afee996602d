(** What the main theorems rest on: printed when this file is compiled, and compared with a list by tests/proofs. *)
From Proofs Require Import Checker Heads Continuous Barrier Faces Barriers Regions RegionOptima.
Print Assumptions endpoint_value_checked.
Print Assumptions path_upper_bound_checked.
Print Assumptions head_optimum_checked.
Print Assumptions barrier_lower_bound_checked.
Print Assumptions region_optimum_checked.
Print Assumptions balanced_segment_traced.
Print Assumptions barrier.
Print Assumptions frozen_barrier.
Print Assumptions redundant.
Print Assumptions face_bound.
Print Assumptions region_below.
Print Assumptions region_optimum_by_duality.
