package dev.s3llm.model.speech;

/**
 * Receives the state of a recording's canvas after each pass, for progress, pictures and figures.
 *
 * <p>Called on the executor's step thread, so it must return soon. What it throws fails its
 * request. After a preemption the passes are made, and reported, once more from the first on.
 */
@FunctionalInterface
public interface CanvasListener {

  /**
   * Receives a pass.
   *
   * @param state the canvas after the pass
   */
  void passed(CanvasState state);

  /**
   * A canvas after a pass.
   *
   * @param pass number of passes made so far, from 1, those over smaller canvases included
   * @param passes number of passes of the strategy that was chosen for the recording
   * @param doublings how often the canvas was doubled so far
   * @param length length of the text in characters; -1 if no end fell on a canvas yet, in which
   *     case the canvas has just been doubled and is all masked
   * @param ids ids at the positions of the canvas: characters, masks, and the end behind the text
   * @param confidences probability of each character when it was filled; 0 at other positions
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record CanvasState(
      int pass, int passes, int doublings, int length, int[] ids, float[] confidences) {}
}
