"""The sequence recommender of Nostrade, without a web framework: data, model, training, serving."""
