import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Base64;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import org.springframework.security.oauth2.client.endpoint.OAuth2AuthorizationCodeGrantRequest;
import org.springframework.security.oauth2.client.endpoint.RestClientAuthorizationCodeTokenResponseClient;
import org.springframework.security.oauth2.client.oidc.authentication.OidcAuthorizationCodeAuthenticationProvider;
import org.springframework.security.oauth2.client.authentication.OAuth2LoginAuthenticationToken;
import org.springframework.security.oauth2.client.oidc.userinfo.OidcUserService;
import org.springframework.security.oauth2.client.registration.ClientRegistration;
import org.springframework.security.oauth2.client.registration.ClientRegistrations;
import org.springframework.security.oauth2.core.endpoint.OAuth2AuthorizationExchange;
import org.springframework.security.oauth2.core.endpoint.OAuth2AuthorizationRequest;
import org.springframework.security.oauth2.core.endpoint.OAuth2AuthorizationResponse;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtDecoders;

/** Spring Security as a resource server and as a relying party, with the issuer's address as its only setting. */
public final class Spring {
    public static void main(String[] none) throws Exception {
        Talk.play(Map.of("accept", Spring::accept, "sign_in", Spring::signIn));
    }

    /** A resource server: {@code spring.security.oauth2.resourceserver.jwt.issuer-uri}. */
    private static Object accept(Talk talk) {
        JwtDecoder decoder = JwtDecoders.fromIssuerLocation(talk.of("issuer"));
        Jwt token = decoder.decode(talk.of("token"));
        return plain(token.getClaims());
    }

    /** A relying party: {@code spring.security.oauth2.client.provider.….issuer-uri}. */
    private static Object signIn(Talk talk) throws Exception {
        ClientRegistration registration = ClientRegistrations.fromIssuerLocation(talk.of("issuer"))
                .registrationId("hygie")
                .clientId(talk.of("client_id"))
                .clientSecret(talk.of("secret"))
                .redirectUri(talk.of("redirect_uri"))
                .scope("openid", "profile", "email")
                .build();
        String nonce = "of-this-request";
        String sent = hash(nonce);
        OAuth2AuthorizationRequest asked = OAuth2AuthorizationRequest.authorizationCode()
                .clientId(registration.getClientId())
                .authorizationUri(registration.getProviderDetails().getAuthorizationUri())
                .redirectUri(registration.getRedirectUri())
                .scopes(registration.getScopes())
                .state("of-this-browser")
                .attributes(kept -> kept.put("nonce", nonce))
                .additionalParameters(more -> more.put("nonce", sent))
                .build();
        Map<String, Object> back = talk.visit(asked.getAuthorizationRequestUri());
        OAuth2AuthorizationResponse answered = OAuth2AuthorizationResponse.success((String) back.get("code"))
                .redirectUri(registration.getRedirectUri())
                .state((String) back.get("state"))
                .build();
        OAuth2AuthorizationExchange exchange = new OAuth2AuthorizationExchange(asked, answered);
        OidcAuthorizationCodeAuthenticationProvider provider = new OidcAuthorizationCodeAuthenticationProvider(
                new RestClientAuthorizationCodeTokenResponseClient(), new OidcUserService());
        OAuth2LoginAuthenticationToken signedIn =
                (OAuth2LoginAuthenticationToken) provider.authenticate(new OAuth2LoginAuthenticationToken(registration, exchange));
        return plain(((OidcUser) signedIn.getPrincipal()).getClaims());
    }

    /** What the library's own filter sends in place of the nonce that it keeps. */
    private static String hash(String nonce) throws Exception {
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(nonce.getBytes(StandardCharsets.US_ASCII));
        return Base64.getUrlEncoder().withoutPadding().encodeToString(digest);
    }

    /** Claims as JSON has them: the library made instants and addresses of some. */
    private static Map<String, Object> plain(Map<String, Object> claims) {
        Map<String, Object> plain = new TreeMap<>();
        claims.forEach((name, value) -> plain.put(name, plain(value)));
        return plain;
    }

    private static Object plain(Object value) {
        if (value instanceof Instant at) {
            return at.getEpochSecond();
        }
        return value instanceof Number || value instanceof Collection<?> ? value : value.toString();
    }
}
