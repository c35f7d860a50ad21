package dev.s3llm.model.speech;

/** Easy first's canvas in another order: each pass fills the leftmost masked position. */
final class Leftmost implements CanvasStrategy {

  @Override
  public void begin(Canvas canvas, CtcText ctc) {
    canvas.openFor(ctc.ids().length);
  }

  @Override
  public void fill(Canvas canvas, Scores scores) {
    if (!canvas.measure(scores)) {
      return;
    }
    int position = canvas.settled();
    if (position < canvas.length()) {
      int id = scores.character(position);
      canvas.fill(position, id, scores.probability(position, id));
    }
    canvas.settle();
  }

  @Override
  public int passesLeft(Canvas canvas) {
    return Math.max(1, canvas.measured() ? canvas.masked() : canvas.estimate());
  }
}
