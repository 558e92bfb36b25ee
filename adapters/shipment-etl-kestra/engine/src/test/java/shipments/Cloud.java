package shipments;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.stream.StreamSupport;

/** The clusters of local AWS, queried directly, not through the code under test. */
final class Cloud {
    private static final Set<String> GONE = Set.of("TERMINATING", "TERMINATED", "TERMINATED_WITH_ERRORS");
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private Cloud() {
    }

    /** Names of the clusters that cost money now. */
    static List<String> alive() throws Exception {
        return names(each -> !GONE.contains(each.at("/Status/State").asText()));
    }

    /** Names of all clusters that an execution ever had. */
    static List<String> of(String execution) throws Exception {
        return names(each -> each.at("/Name").asText().endsWith(execution));
    }

    static String secret(String name) {
        return new String(Base64.getDecoder().decode(System.getenv("SECRET_" + name)));
    }

    private static List<String> names(java.util.function.Predicate<JsonNode> which) throws Exception {
        String scope = "%s/20260101/us-east-1/elasticmapreduce/aws4_request".formatted(secret("AWS_ACCESS_KEY_ID"));
        var request = HttpRequest.newBuilder(URI.create(System.getenv("AWS_ENDPOINT_URL")))
            .header("Content-Type", "application/x-amz-json-1.1")
            .header("X-Amz-Target", "ElasticMapReduce.ListClusters")
            .header("Authorization", "AWS4-HMAC-SHA256 Credential=%s, SignedHeaders=host, Signature=0".formatted(scope))
            .POST(HttpRequest.BodyPublishers.ofString("{}"))
            .build();
        var answer = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() != 200) {
            throw new IllegalStateException(answer.body());
        }
        return StreamSupport.stream(JSON.readTree(answer.body()).at("/Clusters").spliterator(), false)
            .filter(which)
            .map(each -> each.at("/Name").asText())
            .toList();
    }
}
