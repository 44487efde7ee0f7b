import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.jpa.patch.FhirPatch;
import ca.uhn.fhir.parser.IParser;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * HAPI's FHIRPath Patch: each line that is read is a resource, a tab, and a Parameters resource that patches it; each line
 * that is written is {@code ok}, a tab and the patched resource, or {@code error}, a tab and why not.
 */
public final class Patch {
    public static void main(String[] arguments) throws Exception {
        FhirContext context = FhirContext.forR4();
        IParser parser = context.newJsonParser().setPrettyPrint(false);
        // As it is written, with its version, and with a narrative that says nothing.
        parser.setStripVersionsFromReferences(false).setSuppressNarratives(false);
        FhirPatch patch = new FhirPatch(context);
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream output = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String[] parts = line.split("\t");
            try {
                var resource = parser.parseResource(parts[0]);
                patch.apply(resource, parser.parseResource(parts[1]));
                output.println("ok\t" + parser.encodeResourceToString(resource));
            } catch (RuntimeException refused) {
                output.println("error\t" + String.valueOf(refused.getMessage()).replaceAll("\\s+", " "));
            }
        }
        output.flush();
    }
}
