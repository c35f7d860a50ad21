package dev.s3llm.examples.server.openai;

import dev.s3llm.text.TextGeneration;
import java.time.Instant;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import reactor.util.context.ContextView;

/**
 * One request, from the moment that it was read. Cancelled when its exchange ends, however that
 * ends and wherever the request is by then. Thread-safe.
 */
public final class Call {
  /** What the conventions of OpenTelemetry call whoever serves the model. */
  public static final String PROVIDER = "s3llm";

  private final Endpoint endpoint;
  private final String limitField;
  private final String model;
  private final ContextView context;
  private final String id;
  private final Instant created = Instant.now();
  private final ReentrantLock lock = new ReentrantLock();
  private Instant submitted = created;
  private @Nullable TextGeneration generation;
  private boolean cancelled;

  Call(Endpoint endpoint, String limitField, String model, ContextView context) {
    this.endpoint = endpoint;
    this.limitField = limitField;
    this.model = model;
    this.context = context;
    this.id = endpoint.idPrefix() + UUID.randomUUID();
  }

  Endpoint endpoint() {
    return endpoint;
  }

  /** Which field of the request limits its answer. */
  String limitField() {
    return limitField;
  }

  /** The id in responses, and the generation's own. */
  public String id() {
    return id;
  }

  /** Which model. */
  public String model() {
    return model;
  }

  /** OpenTelemetry's name of what is done. */
  public String operation() {
    return endpoint.operation();
  }

  /** When it was read. */
  public Instant created() {
    return created;
  }

  /** When the engine took it; before that, when it was read. */
  public Instant submitted() {
    lock.lock();
    try {
      return submitted;
    } finally {
      lock.unlock();
    }
  }

  /** What belongs to its exchange, such as the observation. */
  public ContextView context() {
    return context;
  }

  /** Whether nobody waits for it any more. */
  boolean cancelled() {
    lock.lock();
    try {
      return cancelled;
    } finally {
      lock.unlock();
    }
  }

  /** Notes the generation, which ends at once if nobody waits for it any more. */
  void started(TextGeneration started) {
    boolean late;
    lock.lock();
    try {
      submitted = Instant.now();
      generation = started;
      late = cancelled;
    } finally {
      lock.unlock();
    }
    if (late) {
      started.cancel();
    }
  }

  /** Ends it, wherever it is. Does nothing if it has ended. */
  void cancel() {
    TextGeneration running;
    lock.lock();
    try {
      cancelled = true;
      running = generation;
    } finally {
      lock.unlock();
    }
    if (running != null) {
      running.cancel();
    }
  }
}
