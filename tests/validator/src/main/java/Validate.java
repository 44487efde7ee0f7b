import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import ca.uhn.fhir.validation.SingleValidationMessage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;

/**
 * Judges resources by the structures, constraints and code systems of R4: {@code Validate DIR COUNT} reads at most COUNT
 * lines, spread over the file, of each NDJSON file. Prints each error with its line, then for each file how many were judged.
 */
public final class Validate {
    public static void main(String[] arguments) throws Exception {
        int most = Integer.parseInt(arguments[1]);
        FhirValidator validator = validator();
        try (var files = Files.list(Path.of(arguments[0]))) {
            for (Path file : files.sorted().toList()) {
                judge(validator, file, most);
            }
        }
    }

    private static FhirValidator validator() {
        FhirContext context = FhirContext.forR4();
        FhirInstanceValidator instances = new FhirInstanceValidator(new ValidationSupportChain(
                new DefaultProfileValidationSupport(context),
                new CommonCodeSystemsTerminologyService(context),
                new InMemoryTerminologyServerValidationSupport(context),
                new SnapshotGeneratingValidationSupport(context)));
        return context.newValidator().registerValidatorModule(instances);
    }

    private static void judge(FhirValidator validator, Path file, int most) throws Exception {
        List<String> lines = Files.readAllLines(file);
        int step = Math.max(1, lines.size() / most);
        int judged = 0;
        for (int at = 0; at < lines.size() && judged < most; at += step, judged++) {
            for (SingleValidationMessage found : validator.validateWithResult(lines.get(at)).getMessages()) {
                if (found.getSeverity().compareTo(ResultSeverityEnum.ERROR) >= 0) {
                    System.out.println("error " + file.getFileName() + ":" + (at + 1) + " " + found.getLocationString()
                            + " " + found.getMessage());
                }
            }
        }
        System.out.println("judged " + file.getFileName() + " " + judged);
    }
}
