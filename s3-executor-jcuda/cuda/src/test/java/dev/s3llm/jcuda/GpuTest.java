package dev.s3llm.jcuda;

import dev.s3llm.jcuda.internal.driver.Device;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Marks tests that need an NVIDIA GPU; without one they are skipped, and the reason is printed. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Tag("gpu")
@ExtendWith(GpuTest.NeedsGpu.class)
public @interface GpuTest {

  /** Skips tests without a GPU, and prints the reason once. */
  final class NeedsGpu implements ExecutionCondition {
    private static final AtomicBoolean PRINTED = new AtomicBoolean();

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
      try {
        return ConditionEvaluationResult.enabled("found " + Device.list().get(0).name());
      } catch (IllegalStateException | IndexOutOfBoundsException e) {
        if (!PRINTED.getAndSet(true)) {
          System.out.println("GPU TESTS DID NOT RUN: " + e.getMessage());
        }
        return ConditionEvaluationResult.disabled("no GPU, not run: " + e.getMessage());
      }
    }
  }
}
