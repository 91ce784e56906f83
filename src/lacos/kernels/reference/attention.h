// Causal self-attention with ALiBi within one text, forward and backward, one query at a time.
//
// How to use it: call the functions for each text and head. Pointers point to the text's first row
// in arrays of S (double or complex).
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "lacos/kernels/reference/dropout.h"
#include "lacos/kernels/reference/scalar.h"

namespace lacos::ref {

// The part of qkv [length, H*3*K] that belongs to one head: row stride H*3*K; q, k, v at columns 0,
// K, 2K from `base`.
struct HeadLayout {
  int64_t length = 0;    // tokens in this text
  int64_t head_dim = 0;  // K
  int64_t stride = 0;    // H*3*K
  int64_t head = 0;
  double slope = 0;  // slope of ALiBi for this head
  int64_t Q(int64_t t, int64_t d) const { return t * stride + (head * 3) * head_dim + d; }
  int64_t K(int64_t t, int64_t d) const { return t * stride + (head * 3 + 1) * head_dim + d; }
  int64_t V(int64_t t, int64_t d) const { return t * stride + (head * 3 + 2) * head_dim + d; }
  // The index of an element in the heads' outputs [length, H*K].
  int64_t Y(int64_t t, int64_t d) const { return t * (stride / 3) + head * head_dim + d; }
};

// Dropout of the probabilities, with the keys of this text's tokens, or null.
struct AttentionDropout {
  const int64_t* token_keys = nullptr;
  uint32_t site = 0;
  double rate = 0;
  double Factor(int64_t query, int64_t key, int64_t head) const {
    return token_keys == nullptr ? 1.0
                                 : DropoutFactor(token_keys[query], site, head * 65536 + key, rate);
  }
};

// probabilities[j] for j <= i: the softmax of q_i . k_j / sqrt(K) + slope j.
template <class S>
void AttentionProbabilities(const S* qkv, const HeadLayout& at, int64_t i, S* probabilities) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(at.head_dim));
  int64_t largest = 0;
  for (int64_t j = 0; j <= i; ++j) {
    S dot = 0;
    for (int64_t d = 0; d < at.head_dim; ++d) dot += qkv[at.Q(i, d)] * qkv[at.K(j, d)];
    probabilities[j] = dot * scale + at.slope * static_cast<double>(j);
    if (Real(probabilities[j]) > Real(probabilities[largest])) largest = j;
  }
  const S shift = probabilities[largest];
  S sum = 0;
  for (int64_t j = 0; j <= i; ++j) sum += probabilities[j] = std::exp(probabilities[j] - shift);
  for (int64_t j = 0; j <= i; ++j) probabilities[j] /= sum;
}

// y_i = sum over j <= i of dropout(p_ij) v_j.
template <class S>
void AlibiAttentionHead(const S* qkv, const HeadLayout& at, const AttentionDropout& dropout, S* y) {
  std::vector<S> p(static_cast<size_t>(at.length));
  for (int64_t i = 0; i < at.length; ++i) {
    AttentionProbabilities(qkv, at, i, p.data());
    for (int64_t d = 0; d < at.head_dim; ++d) y[at.Y(i, d)] = 0;
    for (int64_t j = 0; j <= i; ++j) {
      const S weight = p[j] * dropout.Factor(i, j, at.head);
      for (int64_t d = 0; d < at.head_dim; ++d) y[at.Y(i, d)] += weight * qkv[at.V(j, d)];
    }
  }
}

// Writes this head's columns of dqkv.
template <class S>
void AlibiAttentionHeadBackward(const S* qkv, const HeadLayout& at, const AttentionDropout& dropout,
                                const S* dy, S* dqkv) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(at.head_dim));
  for (int64_t t = 0; t < at.length; ++t) {
    for (int64_t d = 0; d < at.head_dim; ++d)
      dqkv[at.Q(t, d)] = dqkv[at.K(t, d)] = dqkv[at.V(t, d)] = 0;
  }
  std::vector<S> p(static_cast<size_t>(at.length));
  std::vector<S> dp(static_cast<size_t>(at.length));
  for (int64_t i = 0; i < at.length; ++i) {
    AttentionProbabilities(qkv, at, i, p.data());
    S mean = 0;  // sum over j of p_ij dp_ij
    for (int64_t j = 0; j <= i; ++j) {
      const double factor = dropout.Factor(i, j, at.head);
      S dot = 0;
      for (int64_t d = 0; d < at.head_dim; ++d) {
        dot += dy[at.Y(i, d)] * qkv[at.V(j, d)];
        dqkv[at.V(j, d)] += p[j] * factor * dy[at.Y(i, d)];
      }
      dp[j] = dot * factor;
      mean += p[j] * dp[j];
    }
    for (int64_t j = 0; j <= i; ++j) {
      const S dscore = p[j] * (dp[j] - mean) * scale;
      for (int64_t d = 0; d < at.head_dim; ++d) {
        dqkv[at.Q(i, d)] += dscore * qkv[at.K(j, d)];
        dqkv[at.K(j, d)] += dscore * qkv[at.Q(i, d)];
      }
    }
  }
}

}  // namespace lacos::ref
