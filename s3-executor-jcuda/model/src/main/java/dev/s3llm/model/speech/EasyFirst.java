package dev.s3llm.model.speech;

/**
 * Easy first (Chen et al., arXiv 1911.04908): the first pass gives the length {@code n}, and each
 * pass fills the {@code ceil(n / passes)} masked positions of which the model is most confident. A
 * filled position never changes.
 */
final class EasyFirst implements CanvasStrategy {

  @Override
  public void begin(Canvas canvas, CtcText ctc) {
    canvas.openFor(ctc.ids().length);
  }

  @Override
  public void fill(Canvas canvas, Scores scores) {
    if (!canvas.measure(scores)) {
      return;
    }
    canvas.rankMasked(scores);
    for (int i = 0; i < Math.min(canvas.perPass(), canvas.ranked()); i++) {
      int position = canvas.ranked(i);
      canvas.fill(position, scores.character(position), canvas.rankedConfidence(i));
    }
    canvas.settle();
  }

  @Override
  public int passesLeft(Canvas canvas) {
    return canvas.measured()
        ? ceilDiv(canvas.masked(), canvas.perPass())
        : Math.min(canvas.passes(), Math.max(1, canvas.estimate()));
  }

  static int ceilDiv(int number, int divisor) {
    return (int) (((long) number + divisor - 1) / divisor);
  }
}
