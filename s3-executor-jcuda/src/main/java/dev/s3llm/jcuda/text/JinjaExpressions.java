package dev.s3llm.jcuda.text;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.el.ExtendedSyntaxBuilder;
import com.hubspot.jinjava.el.TruthyTypeConverter;
import com.hubspot.jinjava.el.ext.ExtendedParser;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import java.util.Map;
import jinjava.de.odysseus.el.ExpressionFactoryImpl;
import jinjava.de.odysseus.el.tree.Bindings;
import jinjava.de.odysseus.el.tree.TreeStore;
import jinjava.de.odysseus.el.tree.impl.Builder;
import jinjava.de.odysseus.el.tree.impl.Cache;
import jinjava.de.odysseus.el.tree.impl.Parser;
import jinjava.de.odysseus.el.tree.impl.ast.AstIdentifier;
import jinjava.javax.el.ELContext;
import jinjava.javax.el.ExpressionFactory;
import org.jspecify.annotations.Nullable;

/**
 * Jinjava, except that what an expression reads by a name is weighed first. A list that holds
 * another twice, which holds another twice, and so on, would take time and memory without end to
 * compare or to write; but it cannot come about without names.
 */
final class JinjaExpressions extends Jinjava {
  private static final int CACHED = 1000;

  private final ExpressionFactory factory =
      new ExpressionFactoryImpl(
          new TreeStore(new Syntax(), new Cache(CACHED)), new TruthyTypeConverter());

  JinjaExpressions(JinjavaConfig config) {
    super(config);
  }

  @Override
  public ExpressionFactory getExpressionFactory() {
    return factory;
  }

  private static final class Syntax extends ExtendedSyntaxBuilder {
    private static final long serialVersionUID = 1L;

    Syntax() { // the features that Jinjava's own has
      super(Builder.Feature.METHOD_INVOCATIONS, Builder.Feature.VARARGS);
    }

    @Override
    protected Parser createParser(String expression) {
      return new ExtendedParser(this, expression) {
        @Override
        protected AstIdentifier createAstIdentifier(String name, int index) {
          return new Name(name, index);
        }
      };
    }
  }

  private static final class Name extends AstIdentifier {
    Name(String name, int index) {
      super(name, index);
    }

    @Override
    public @Nullable Object eval(Bindings bindings, ELContext context) {
      Object value = super.eval(bindings, context);
      if (value instanceof Iterable || value instanceof Map) {
        budget(context).read(value);
      }
      return value;
    }

    private static RenderBudget budget(ELContext context) {
      JinjavaInterpreter interpreter =
          (JinjavaInterpreter)
              context.getELResolver().getValue(context, null, ExtendedParser.INTERPRETER);
      return ((JinjaValues) interpreter.getConfig().getElResolver()).budget();
    }
  }
}
