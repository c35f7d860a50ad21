package dev.s3llm.execute;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ForwardingExecutorTest {
  private final List<Method> calls = new ArrayList<>();
  private final Optional<Thread> thread = Optional.of(Thread.currentThread());

  @Test
  void everyCall_isPassedOn() throws Exception {
    Executor wrapped = new ForwardingExecutor(recording()) {};
    for (Method method : Executor.class.getMethods()) {
      method.invoke(wrapped, arguments(method));
    }
    assertThat(calls).containsExactly(Executor.class.getMethods());
    assertThat(wrapped.stepThread()).isSameAs(thread);
  }

  private static Object[] arguments(Method method) {
    return Stream.of(method.getParameterTypes()).map(t -> t == long.class ? 7L : null).toArray();
  }

  private Executor recording() {
    return (Executor)
        Proxy.newProxyInstance(
            Executor.class.getClassLoader(),
            new Class<?>[] {Executor.class},
            (proxy, method, arguments) -> {
              calls.add(method);
              return method.getReturnType() == Optional.class ? thread : null;
            });
  }
}
