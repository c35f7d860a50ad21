package dev.s3llm.jcuda.internal.speech;

import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.jcuda.internal.driver.DeviceAddress;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.jcuda.internal.driver.PinnedMemory;
import dev.s3llm.model.TensorSource;
import dev.s3llm.model.speech.SpeechConfig;
import java.nio.ByteBuffer;

/** The weights of a speech model on a device. */
final class SpeechWeights implements AutoCloseable {
  private final DeviceMemory memory;
  private final SpeechPlaces places;

  /**
   * Takes memory that holds the image of the weights.
   *
   * @param memory the image; closed with this object
   */
  SpeechWeights(DeviceMemory memory, SpeechPlaces places) {
    this.memory = memory;
    this.places = places;
  }

  /** Copies the weights to the current device and waits for them. */
  static SpeechWeights load(
      Device device, DeviceStream stream, SpeechConfig config, TensorSource source) {
    ByteBuffer image = SpeechImage.of(config, source);
    int size = image.remaining();
    DeviceMemory memory = device.allocate(size);
    try (PinnedMemory pinned = device.allocatePinned(size)) {
      pinned.view(0, size).put(image);
      stream.copyIn(pinned.at(0), memory, 0, size);
      stream.synchronize();
    } catch (RuntimeException e) {
      memory.close();
      throw e;
    }
    return new SpeechWeights(memory, SpeechPlaces.of(config));
  }

  /** Returns the number of encoder layers. */
  int encoderLayers() {
    return places.encoderLayers();
  }

  /** Returns the number of decoder layers. */
  int decoderLayers() {
    return places.decoderLayers();
  }

  DeviceAddress constants() {
    return at(places.constants());
  }

  DeviceAddress front() {
    return at(places.front());
  }

  DeviceAddress encoderLayer(int layer) {
    return at(places.encoderLayer(layer));
  }

  DeviceAddress encoderEnd() {
    return at(places.encoderEnd());
  }

  DeviceAddress embedding() {
    return at(places.embedding());
  }

  /** Returns the first layer of the decoder, which the others follow. */
  DeviceAddress decoder() {
    return at(places.decoderLayer(0));
  }

  DeviceAddress decoderEnd() {
    return at(places.decoderEnd());
  }

  private DeviceAddress at(long place) {
    return new DeviceAddress(memory, place);
  }

  @Override
  public void close() {
    memory.close();
  }
}
