"""Networks with one neuron fewer: their least F by branch and bound over cones, a lower bound of every path between different sign counts."""
