package dev.s3llm.model.speech;

/**
 * Left to right: the decoder's causal mode with its KV cache. Each pass appends the likeliest of
 * the characters and the end; the end finishes the text.
 */
final class LeftToRight implements CanvasStrategy {

  @Override
  public void begin(Canvas canvas, CtcText ctc) {
    // the text grows by one character a pass, so there is no canvas to open
  }

  @Override
  public void fill(Canvas canvas, Scores scores) {
    int next = scores.next(scores.rows() - 1);
    if (next == canvas.endId()) {
      canvas.finish();
    } else {
      canvas.append(next);
    }
  }

  @Override
  public int passesLeft(Canvas canvas) {
    return 0;
  }

  @Override
  public boolean causal() {
    return true;
  }
}
