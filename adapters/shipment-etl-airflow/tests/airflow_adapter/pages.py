"""The pages of Airflow, in a headless browser."""

from collections.abc import Mapping
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tests.reporting.chromium import CHROMIUM, DRIVER

from .standalone import USER, Airflow

PATIENCE_SECONDS = 60


def photograph(airflow: Airflow, files: Mapping[str, Path]) -> dict[str, str]:
    """Log in like a user, open the grid of each DAG, save a screenshot, and return the visible texts."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-proxy-server"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    metrics = {"width": 1280, "height": 480, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    seen = {}
    try:
        wait = WebDriverWait(driver, PATIENCE_SECONDS)
        driver.get(airflow.url)
        wait.until(lambda browser: browser.find_elements(By.NAME, "username"))
        driver.find_element(By.NAME, "username").send_keys(USER)
        driver.find_element(By.NAME, "password").send_keys(airflow.password)
        driver.find_element(By.CSS_SELECTOR, "button[type=submit]").click()
        wait.until(lambda browser: "/login" not in browser.current_url)
        for dag, file in files.items():
            driver.get(f"{airflow.url}/dags/{dag}")
            wait.until(lambda browser: "end_cluster" in browser.find_element(By.TAG_NAME, "body").text)
            _widen(driver)
            seen[dag] = driver.find_element(By.TAG_NAME, "body").text
            file.parent.mkdir(parents=True, exist_ok=True)
            driver.save_screenshot(str(file))
    finally:
        driver.quit()
    return seen


def _widen(driver: webdriver.Chrome) -> None:
    """Widen the grid so that all its runs fit: it hides the others."""
    handle = driver.find_element(By.CSS_SELECTOR, "[data-panel-resize-handle-id]")
    driver.execute_script("arguments[0].focus()", handle)
    ActionChains(driver).send_keys(Keys.ARROW_RIGHT).perform()
