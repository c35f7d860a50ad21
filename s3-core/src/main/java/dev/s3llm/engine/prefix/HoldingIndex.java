package dev.s3llm.engine.prefix;

/**
 * The value of holding a block, from the hazard of its return.
 *
 * <p>A block that is held until its return, but at most for a time t, takes its room for the
 * shorter of the two, and saves its recomputation if the return is by t. The index is the best
 * ratio over all t: the chance of a return by t, over the expected time held. To hold the blocks of
 * the highest index is optimal for independent blocks whose room can be taken at any time (Gittins
 * 1979, "Bandit processes and dynamic allocation indices"). The best t may lie beyond a time in
 * which returns are rare: people read an answer before they ask the next question. The chance of a
 * return per second, without looking ahead, would forget a conversation just before its next turn.
 */
final class HoldingIndex {
  private HoldingIndex() {}

  /**
   * Computes the index at the start of each bin of {@link Ages}, in returns per second.
   *
   * @param hazards chance of a return per second, above 0, by bin
   * @param into receives the index, by bin
   */
  static void of(double[] hazards, double[] into) {
    double[] stays = new double[Ages.BINS];
    for (int bin = 0; bin < Ages.BINS; bin++) {
      stays[bin] = Math.exp(-hazards[bin] * Ages.seconds(bin));
    }
    for (int from = 0; from < Ages.BINS; from++) {
      double absent = 1;
      double held = 0;
      double best = 0;
      for (int bin = from; bin < Ages.BINS; bin++) {
        held += absent * (1 - stays[bin]) / hazards[bin];
        absent *= stays[bin];
        best = Math.max(best, (1 - absent) / held);
      }
      into[from] = best;
    }
  }
}
