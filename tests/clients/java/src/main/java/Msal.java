import com.microsoft.aad.msal4j.AuthorizationCodeParameters;
import com.microsoft.aad.msal4j.AuthorizationRequestUrlParameters;
import com.microsoft.aad.msal4j.ClientCredentialFactory;
import com.microsoft.aad.msal4j.ClientCredentialParameters;
import com.microsoft.aad.msal4j.ConfidentialClientApplication;
import com.microsoft.aad.msal4j.DeviceCodeFlowParameters;
import com.microsoft.aad.msal4j.IAuthenticationResult;
import com.microsoft.aad.msal4j.IClientCredential;
import com.microsoft.aad.msal4j.InteractiveRequestParameters;
import com.microsoft.aad.msal4j.OnBehalfOfParameters;
import com.microsoft.aad.msal4j.PublicClientApplication;
import com.microsoft.aad.msal4j.SilentParameters;
import com.microsoft.aad.msal4j.SystemBrowserOptions;
import com.microsoft.aad.msal4j.UserAssertion;
import java.io.ByteArrayInputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** MSAL for Java with its authority and no discovery of instances as its only settings. */
public final class Msal {
    public static void main(String[] none) throws Exception {
        Talk.play(Map.of("application", Msal::application, "person", Msal::person, "device", Msal::device, "server", Msal::server));
    }

    private static Object application(Talk talk) throws Exception {
        ConfidentialClientApplication app = confidential(talk);
        ClientCredentialParameters cached = ClientCredentialParameters.builder(scopes(talk, "scope")).build();
        ClientCredentialParameters anew = ClientCredentialParameters.builder(scopes(talk, "scope")).skipCache(true).build();
        return List.of(
                app.acquireToken(cached).get().accessToken(),
                app.acquireToken(cached).get().accessToken(),
                app.acquireToken(anew).get().accessToken());
    }

    private static Object person(Talk talk) throws Exception {
        PublicClientApplication app = installed(talk);
        SystemBrowserOptions browser = SystemBrowserOptions.builder()
                .htmlMessageSuccess("You may close this page.")
                .openBrowserAction(address -> talk.visit(address.toString()))
                .build();
        IAuthenticationResult first = app.acquireToken(InteractiveRequestParameters.builder(URI.create("http://localhost"))
                        .scopes(scopes(talk, "scope"))
                        .systemBrowserOptions(browser)
                        .build())
                .get();
        SilentParameters kept = SilentParameters.builder(scopes(talk, "scope"), first.account()).build();
        SilentParameters renewed = SilentParameters.builder(scopes(talk, "scope"), first.account()).forceRefresh(true).build();
        SilentParameters elsewhere = SilentParameters.builder(scopes(talk, "other_scope"), first.account()).build();
        return List.of(
                told(first),
                told(app.acquireTokenSilently(kept).get()),
                told(app.acquireTokenSilently(renewed).get()),
                told(app.acquireTokenSilently(elsewhere).get()));
    }

    private static Object device(Talk talk) throws Exception {
        return told(installed(talk)
                .acquireToken(DeviceCodeFlowParameters.builder(scopes(talk, "scope"), code -> talk.visit(code.userCode()))
                        .build())
                .get());
    }

    /** A server signs a person in, and asks for the next one on her behalf. */
    private static Object server(Talk talk) throws Exception {
        ConfidentialClientApplication app = confidential(talk);
        if (talk.has("assertion")) {
            UserAssertion assertion = new UserAssertion(talk.of("assertion"));
            return told(app.acquireToken(OnBehalfOfParameters.builder(scopes(talk, "scope"), assertion).build()).get());
        }
        URI back = URI.create(talk.of("redirect_uri"));
        AuthorizationRequestUrlParameters asked =
                AuthorizationRequestUrlParameters.builder(back.toString(), scopes(talk, "scope")).build();
        String code = (String) talk.visit(app.getAuthorizationRequestUrl(asked).toString()).get("code");
        return told(app.acquireToken(AuthorizationCodeParameters.builder(code, back).scopes(scopes(talk, "scope")).build()).get());
    }

    private static PublicClientApplication installed(Talk talk) throws Exception {
        return PublicClientApplication.builder(talk.of("client_id"))
                .authority(talk.of("authority"))
                .instanceDiscovery(false)
                .build();
    }

    private static ConfidentialClientApplication confidential(Talk talk) throws Exception {
        IClientCredential proof = talk.has("secret") ? ClientCredentialFactory.createFromSecret(talk.of("secret")) : certificate(talk);
        return ConfidentialClientApplication.builder(talk.of("client_id"), proof)
                .authority(talk.of("authority"))
                .instanceDiscovery(false)
                .build();
    }

    private static IClientCredential certificate(Talk talk) throws Exception {
        byte[] key = Base64.getMimeDecoder().decode(talk.of("key").replaceAll("-----[A-Z ]+-----", ""));
        PrivateKey secret = KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(key));
        byte[] shown = talk.of("shown").getBytes(StandardCharsets.US_ASCII);
        X509Certificate certificate =
                (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(shown));
        return ClientCredentialFactory.createFromCertificate(secret, certificate);
    }

    private static Set<String> scopes(Talk talk, String member) {
        return Set.of(talk.of(member).split(" "));
    }

    private static Map<String, Object> told(IAuthenticationResult result) {
        Map<String, Object> told = new HashMap<>();
        told.put("accessToken", result.accessToken());
        told.put("username", result.account() == null ? null : result.account().username());
        told.put("homeAccountId", result.account() == null ? null : result.account().homeAccountId());
        return told;
    }
}
