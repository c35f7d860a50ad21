package dev.s3llm.model.speech;

/**
 * Mask-predict (Ghazvininejad et al., arXiv 1904.09324): the first pass gives the length {@code n}
 * and fills all positions. Before pass {@code t}, from the second on, the {@code max(1, floor(n
 * (passes - t + 1) / passes))} positions of which the model was least confident are masked; the
 * pass fills them with new confidences. Nothing is final before the last pass.
 */
final class MaskPredict implements CanvasStrategy {

  @Override
  public void begin(Canvas canvas, CtcText ctc) {
    canvas.openFor(ctc.ids().length);
  }

  @Override
  public void fill(Canvas canvas, Scores scores) {
    if (!canvas.measure(scores)) {
      return;
    }
    for (int p = 0; p < canvas.length(); p++) {
      if (canvas.masked(p)) {
        int id = scores.character(p);
        canvas.fill(p, id, scores.probability(p, id));
      }
    }
    int left = canvas.passes() - canvas.pass();
    if (left <= 0 || canvas.length() == 0) {
      canvas.settle();
    } else {
      maskAgain(canvas, (int) Math.max(1, (long) canvas.length() * left / canvas.passes()));
    }
  }

  private static void maskAgain(Canvas canvas, int count) {
    canvas.rankFilled();
    for (int i = canvas.ranked() - count; i < canvas.ranked(); i++) {
      canvas.mask(canvas.ranked(i));
    }
  }

  @Override
  public int passesLeft(Canvas canvas) {
    return canvas.passes() - canvas.pass();
  }
}
