import ca.uhn.fhir.context.BaseRuntimeChildDefinition;
import ca.uhn.fhir.context.BaseRuntimeElementCompositeDefinition;
import ca.uhn.fhir.context.BaseRuntimeElementDefinition;
import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.RuntimeResourceBlockDefinition;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Queue;
import java.util.Set;

/**
 * What R4 says of the elements of resource types, and of the types that they are made of: {@code Elements TYPE…} prints, for
 * each, the type or the path that it belongs to, its name in JSON, its name in FHIRPath, its type (its path when it has no
 * type of its own), and how often it may be there at least and at most (-1: any number), with tabs between them.
 */
public final class Elements {
    private record Owner(String name, BaseRuntimeElementCompositeDefinition<?> definition) {}

    private final Queue<Owner> left = new ArrayDeque<>();
    private final Set<String> seen = new HashSet<>();

    /** The path of what has no type of its own: the first one, because sections have sections. */
    private final Map<Class<?>, String> paths = new HashMap<>();

    public static void main(String[] types) {
        FhirContext context = FhirContext.forR4();
        Elements elements = new Elements();
        for (String type : types) {
            elements.take(type, context.getResourceDefinition(type));
        }
        while (!elements.left.isEmpty()) {
            elements.print(elements.left.remove());
        }
    }

    private void take(String name, BaseRuntimeElementDefinition<?> definition) {
        if (definition instanceof BaseRuntimeElementCompositeDefinition<?> composite && seen.add(name)) {
            left.add(new Owner(name, composite));
        }
    }

    private void print(Owner owner) {
        for (BaseRuntimeChildDefinition child : owner.definition.getChildren()) {
            String element = child.getElementName().replace("[x]", "");
            for (String name : child.getValidChildNames()) {
                BaseRuntimeElementDefinition<?> definition = child.getChildByName(name);
                if (definition == null) {
                    continue;
                }
                boolean isPart = definition instanceof RuntimeResourceBlockDefinition;
                String path = owner.name + "." + element;
                String type = isPart
                        ? paths.computeIfAbsent(definition.getImplementingClass(), part -> path)
                        : definition.getName();
                take(type, definition);
                System.out.println(String.join("\t", owner.name, name, element, type,
                        String.valueOf(child.getMin()), String.valueOf(child.getMax())));
            }
        }
    }
}
