"""The sequence recommender of Nostrade: data, SASRec, training, evaluation and serving, without a web framework."""
