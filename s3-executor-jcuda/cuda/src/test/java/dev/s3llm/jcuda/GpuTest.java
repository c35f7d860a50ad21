package dev.s3llm.jcuda;

import dev.s3llm.jcuda.internal.driver.Device;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Marks tests that need NVIDIA GPUs; without them they are skipped, and the reason is printed. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Tag("gpu")
@ExtendWith(GpuTest.NeedsGpu.class)
public @interface GpuTest {
  /** Returns the GPUs that the tests need. */
  int devices() default 1;

  /** Skips tests without a GPU, and prints the reason once. */
  final class NeedsGpu implements ExecutionCondition {
    private static final AtomicBoolean PRINTED = new AtomicBoolean();

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
      int needed = context.getRequiredTestClass().getAnnotation(GpuTest.class).devices();
      try {
        List<Device.Info> found = Device.list();
        if (found.size() < needed) {
          throw new IllegalStateException(
              "%d GPUs are needed, %d found".formatted(needed, found.size()));
        }
        return ConditionEvaluationResult.enabled("found " + found.get(0).name());
      } catch (IllegalStateException e) {
        if (!PRINTED.getAndSet(true)) {
          System.out.println("GPU TESTS DID NOT RUN: " + e.getMessage());
        }
        return ConditionEvaluationResult.disabled("not run: " + e.getMessage());
      }
    }
  }
}
