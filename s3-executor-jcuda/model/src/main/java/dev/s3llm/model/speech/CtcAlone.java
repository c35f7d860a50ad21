package dev.s3llm.model.speech;

/** The text of the CTC branch as it is, without a pass of the decoder. */
final class CtcAlone implements CanvasStrategy {

  @Override
  public void begin(Canvas canvas, CtcText ctc) {
    for (int id : ctc.ids()) {
      canvas.append(id);
    }
    canvas.finish();
  }

  @Override
  public void fill(Canvas canvas, Scores scores) {
    throw new IllegalStateException("CTC makes no pass");
  }

  @Override
  public int passesLeft(Canvas canvas) {
    return 0;
  }
}
