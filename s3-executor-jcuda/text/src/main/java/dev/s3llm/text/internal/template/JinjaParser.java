package dev.s3llm.text.internal.template;

import com.hubspot.jinjava.el.ext.AstMacroFunction;
import com.hubspot.jinjava.el.ext.AstRangeBracket;
import com.hubspot.jinjava.el.ext.ExtendedParser;
import com.hubspot.jinjava.el.ext.StringConcatOperator;
import jinjava.de.odysseus.el.tree.Bindings;
import jinjava.de.odysseus.el.tree.impl.Builder;
import jinjava.de.odysseus.el.tree.impl.ast.AstBinary;
import jinjava.de.odysseus.el.tree.impl.ast.AstFunction;
import jinjava.de.odysseus.el.tree.impl.ast.AstIdentifier;
import jinjava.de.odysseus.el.tree.impl.ast.AstNode;
import jinjava.de.odysseus.el.tree.impl.ast.AstParameters;
import jinjava.javax.el.ELContext;
import org.jspecify.annotations.Nullable;

/**
 * Jinjava's parser, except that the budget of the rendering counts the values of names, operators,
 * slices and calls: one expression can make as many as it has characters. {@link JinjaValues}
 * counts the values of properties, filters and methods.
 */
final class JinjaParser extends ExtendedParser {
  JinjaParser(Builder builder, String expression) {
    super(builder, expression);
    putExtensionHandler(
        StringConcatOperator.TOKEN,
        new ExtensionHandler(StringConcatOperator.HANDLER.getExtensionPoint()) {
          @Override
          public AstNode createAstNode(AstNode... operands) {
            return new Operation(operands[0], operands[1], StringConcatOperator.OP);
          }
        });
  }

  @Override
  protected AstIdentifier createAstIdentifier(String name, int index) {
    return new Name(name, index);
  }

  @Override
  protected AstBinary createAstBinary(AstNode left, AstNode right, AstBinary.Operator operator) {
    return new Operation(left, right, operator);
  }

  @Override
  protected AstRangeBracket createAstRangeBracket(
      AstNode base, AstNode from, AstNode to, boolean lvalue, boolean strict) {
    return new Slice(base, from, to, lvalue, strict);
  }

  @Override
  protected AstFunction createAstFunction(String name, int index, AstParameters arguments) {
    return new Call(name, index, arguments);
  }

  private static @Nullable Object counted(@Nullable Object value, ELContext context) {
    JinjaValues.budget(context).count(value);
    return value;
  }

  private static final class Name extends AstIdentifier {
    Name(String name, int index) {
      super(name, index);
    }

    @Override
    public @Nullable Object eval(Bindings bindings, ELContext context) {
      Object value = super.eval(bindings, context);
      if (value == null) {
        refuse(FILTER_PREFIX, "filter");
        refuse(EXPTEST_PREFIX, "test");
      }
      return counted(value, context);
    }

    /**
     * Refuses unknown filters and tests: Jinjava would ignore them, and the prompt would differ.
     */
    private void refuse(String prefix, String what) {
      if (getName().startsWith(prefix)) {
        throw new TemplateException(
            "the chat template uses the %s '%s', which is not supported"
                .formatted(what, getName().substring(prefix.length())));
      }
    }
  }

  private static final class Operation extends AstBinary {
    Operation(AstNode left, AstNode right, Operator operator) {
      super(left, right, operator);
    }

    @Override
    public @Nullable Object eval(Bindings bindings, ELContext context) {
      return counted(super.eval(bindings, context), context);
    }
  }

  private static final class Slice extends AstRangeBracket {
    Slice(AstNode base, AstNode from, AstNode to, boolean lvalue, boolean strict) {
      super(base, from, to, lvalue, strict, false);
    }

    @Override
    public @Nullable Object eval(Bindings bindings, ELContext context) {
      return counted(super.eval(bindings, context), context);
    }
  }

  private static final class Call extends AstMacroFunction {
    Call(String name, int index, AstParameters arguments) {
      super(name, index, arguments, true);
    }

    @Override
    public @Nullable Object eval(Bindings bindings, ELContext context) {
      return counted(super.eval(bindings, context), context);
    }
  }
}
