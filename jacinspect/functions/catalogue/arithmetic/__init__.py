"""What the tables compute with where plain numpy loses digits: normal tails, exact products, scaling, projections."""
