// The exact binomial interval (Clopper and Pearson 1934), as pictree.label.purity has it.

function atMost(k, n, p) {
  if (p <= 0) return 1;
  if (p >= 1) return k >= n ? 1 : 0;
  let term = n * Math.log(1 - p), sum = 0;
  for (let i = 0; i <= k; i++) {
    sum += Math.exp(term);
    term += Math.log((n - i) / (i + 1)) + Math.log(p / (1 - p));
  }
  return Math.min(1, sum);
}

function solve(rising, target) {
  let low = 0, high = 1;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (rising(middle) < target) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

export function purityInterval(seen, wrong, confidence = 0.95) {
  const tail = (1 - confidence) / 2, right = seen - wrong;
  const low = right === 0 ? 0 : solve((p) => 1 - atMost(right - 1, seen, p), tail);
  const high = wrong === 0 ? 1 : solve((p) => 1 - atMost(right, seen, p), 1 - tail);
  return [low, high];
}
