package dev.s3llm.model.speech;

/**
 * Mask-CTC (Higuchi et al., arXiv 2005.08700): the canvas has the text of the CTC branch; the
 * characters of which the branch was unsure are masked and filled easy first. No pass is made if
 * there is none.
 */
final class MaskCtc implements CanvasStrategy {
  /** The least confidence of a character that stays. */
  private static final double SURE = 0.9;

  private final EasyFirst filling = new EasyFirst();

  @Override
  public void begin(Canvas canvas, CtcText ctc) {
    canvas.openFor(ctc.ids().length);
    canvas.setLength(Math.min(ctc.ids().length, canvas.size()));
    for (int p = 0; p < canvas.length(); p++) {
      if (ctc.confidences()[p] >= SURE) {
        canvas.fill(p, ctc.ids()[p], ctc.confidences()[p]);
      }
    }
    canvas.setPerPass(canvas.masked());
    canvas.settle();
  }

  @Override
  public void fill(Canvas canvas, Scores scores) {
    filling.fill(canvas, scores);
  }

  @Override
  public int passesLeft(Canvas canvas) {
    return filling.passesLeft(canvas);
  }
}
