import com.nimbusds.jose.util.JSONObjectUtils;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;

/**
 * How a program talks with the test that runs it, as the scripts for Node do: by lines of JSON. The first line it reads says
 * which of its scenarios to play, and in which world; it may ask that a person visits an address; the last line it writes is the
 * result.
 */
final class Talk {
    interface Scenario {
        Object play(Talk talk) throws Exception;
    }

    private final BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    private final Map<String, Object> world;

    private Talk() throws Exception {
        world = next();
    }

    static void play(Map<String, Scenario> scenarios) throws Exception {
        Talk talk = new Talk();
        try {
            say("done", scenarios.get(talk.of("scenario")).play(talk));
        } catch (Exception thrown) {
            Throwable error = thrown instanceof ExecutionException ? thrown.getCause() : thrown;
            Map<String, Object> told = new HashMap<>();
            told.put("name", error.getClass().getName());
            told.put("message", String.valueOf(error.getMessage()));
            told.put("stack", causes(error));
            say("failed", told);
        }
        System.exit(0);
    }

    private static String causes(Throwable error) {
        StringBuilder causes = new StringBuilder(error.toString());
        for (Throwable cause = error.getCause(); cause != null; cause = cause.getCause()) {
            causes.append("; because ").append(cause);
        }
        return causes.toString();
    }

    /** What the test said of its world. */
    String of(String member) {
        return (String) world.get(member);
    }

    boolean has(String member) {
        return world.get(member) != null;
    }

    /** Has the person of the test open an address; gives the parameters with which the browser comes back, if it does. */
    Map<String, Object> visit(String address) {
        say("visit", address);
        try {
            return next();
        } catch (Exception gone) {
            throw new IllegalStateException(gone);
        }
    }

    private Map<String, Object> next() throws Exception {
        return JSONObjectUtils.parse(lines.readLine());
    }

    private static void say(String kind, Object what) {
        System.out.println(JSONObjectUtils.toJSONString(Map.of(kind, what)));
        System.out.flush();
    }
}
